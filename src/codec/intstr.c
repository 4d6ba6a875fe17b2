/* A number or a percentage of pods (intstr.h). */
#include "codec/intstr.h"

int sl_intstr_parse(struct sl_str text, struct sl_intstr *ret_value, struct sl_err *err)
{
    struct sl_intstr value = {.percent = sl_str_ends(text, SL_STR("%"))};
    size_t digits = value.percent ? text.n - 1 : text.n;
    bool is_number = digits > 0;
    for (size_t i = 0; i < digits && is_number; i++) {
        is_number = text.p[i] >= '0' && text.p[i] <= '9';
    }
    if (!is_number) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "must be a whole number or a percentage such as \"25%%\"");
    }
    for (size_t i = 0; i < digits; i++) {
        if (__builtin_mul_overflow(value.value, 10, &value.value) ||
            __builtin_add_overflow(value.value, text.p[i] - '0', &value.value)) {
            return sl_err_set(err, SL_ERR_INVALID, "must be at most %d", INT32_MAX);
        }
    }
    *ret_value = value;
    return 0;
}

int32_t sl_intstr_of(struct sl_intstr value, int32_t total, bool round_up)
{
    if (!value.percent) {
        return value.value;
    }
    /* Two factors of 31 bits and 99 fit 64 bits. */
    int64_t pods = ((int64_t)value.value * total + (round_up ? 99 : 0)) / 100;
    return pods > INT32_MAX ? INT32_MAX : (int32_t)pods;
}
