/* The shapes of Kubernetes names (names.h). Written out instead of regular expressions: they are
 * matched for every label of every selector. */
#include "codec/names.h"

#include <string.h>

#define LABEL_MAX ((size_t)63)
#define SUBDOMAIN_MAX ((size_t)253)

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter_or_digit(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

/* Not empty; begins and ends with what `edge` allows; `inner` characters too in between. */
static bool has_shape(struct sl_str text, bool (*edge)(char), struct sl_str inner)
{
    if (text.n == 0 || !edge(text.p[0]) || !edge(text.p[text.n - 1])) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (!edge(text.p[i]) && memchr(inner.p, text.p[i], inner.n) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_subdomain(struct sl_str name)
{
    /* The parts have no cap of their own: Kubernetes caps the whole only. */
    do {
        if (!has_shape(sl_str_cut(&name, '.'), is_lower_or_digit, SL_STR("-"))) {
            return false;
        }
    } while (name.p != NULL);
    return true;
}

const char *sl_name_dns_label(struct sl_str name)
{
    if (name.n > LABEL_MAX) {
        return "must be no more than 63 characters";
    }
    if (!has_shape(name, is_lower_or_digit, SL_STR("-"))) {
        return "must consist of lower case letters, digits and '-', and start and end with a "
               "letter or digit";
    }
    return NULL;
}

const char *sl_name_dns_subdomain(struct sl_str name)
{
    if (name.n > SUBDOMAIN_MAX) {
        return "must be no more than 253 characters";
    }
    if (!is_subdomain(name)) {
        return "must consist of lower case letters, digits, '-' and '.', and each part between "
               "dots must start and end with a letter or digit";
    }
    return NULL;
}

const char *sl_name_qualified(struct sl_str name)
{
    struct sl_str rest = name;
    struct sl_str prefix = sl_str_cut(&rest, '/');
    if (rest.p != NULL) {
        if (prefix.n > SUBDOMAIN_MAX) {
            return "must have no more than 253 characters before the '/'";
        }
        if (!is_subdomain(prefix)) {
            return "must have a DNS subdomain before the '/', such as example.com/name";
        }
        name = rest;
    }
    if (name.n > LABEL_MAX) {
        return "must have a name of no more than 63 characters";
    }
    if (!has_shape(name, is_letter_or_digit, SL_STR("-_."))) {
        return "must be a name of letters, digits, '-', '_' and '.' that starts and ends with a "
               "letter or digit, with or without a DNS subdomain and one '/' before it";
    }
    return NULL;
}

const char *sl_name_label_value(struct sl_str value)
{
    if (value.n > LABEL_MAX) {
        return "must be no more than 63 characters";
    }
    if (value.n > 0 && !has_shape(value, is_letter_or_digit, SL_STR("-_."))) {
        return "must be empty or consist of letters, digits, '-', '_' and '.', and start and end "
               "with a letter or digit";
    }
    return NULL;
}

const char *sl_name_object_as_label(struct sl_str name)
{
    /* Every subdomain that is short enough has the shape of a label value. */
    return name.n > LABEL_MAX ? "must be no more than 63 characters, to be used as a label value"
                              : sl_name_dns_subdomain(name);
}

const char *sl_name_api_version(struct sl_str name)
{
    struct sl_str version = name;
    struct sl_str group = sl_str_cut(&version, '/');
    if (version.p == NULL) { /* the core group has no name */
        version = group;
    } else if (sl_name_dns_subdomain(group) != NULL) {
        version.n = 0;
    }
    return version.n > 0 && sl_name_dns_label(version) == NULL
               ? NULL
               : "must be GROUP/VERSION, such as apps/v1";
}
