/* Kubernetes' IntOrString as it is used for counts of pods: a number, or a percentage.
 * Source: k8s.io/apimachinery/pkg/util/intstr. Pure functions. */
#ifndef SL_CODEC_INTSTR_H
#define SL_CODEC_INTSTR_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct sl_intstr {
    int32_t value; /* pods, or percent */
    bool percent;
};

/* "25%" or "3": digits only, no sign, no space, at most INT32_MAX. INVALID with the rule. */
SL_MUST_USE int sl_intstr_parse(struct sl_str text, struct sl_intstr *ret_value,
                                struct sl_err *err);

/* Its number of pods out of `total` (not negative), rounded up or down; at most INT32_MAX. */
int32_t sl_intstr_of(struct sl_intstr value, int32_t total, bool round_up);

#endif
