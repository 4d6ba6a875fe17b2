/* Names as Kubernetes allows them. Each check returns NULL for a good name, else the rule it breaks
 * as a clause that follows the name: "must consist of lower case letters, …". The clauses live for
 * ever. Source: k8s.io/apimachinery/pkg/util/validation. Pure functions. */
#ifndef SL_CODEC_NAMES_H
#define SL_CODEC_NAMES_H

#include "base/str.h"

const char *sl_name_dns_label(struct sl_str name);       /* RFC 1123 label, 63 */
const char *sl_name_dns_subdomain(struct sl_str name);   /* RFC 1123 subdomain, 253: most objects */
const char *sl_name_qualified(struct sl_str name);       /* [prefix/]name: label keys, finalizers */
const char *sl_name_label_value(struct sl_str value);    /* may be empty; 63 */
const char *sl_name_api_version(struct sl_str name);     /* [group/]version */
const char *sl_name_object_as_label(struct sl_str name); /* a subdomain that is a label value too */

#endif
