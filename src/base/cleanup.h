/* Cleanup attributes: what a scope owns is released when the scope ends.
 *
 *     SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
 *
 * SL_AUTO(name) calls name_cleanup(&variable); each type that wants it declares that function with
 * SL_AUTO_PTR (for a pointer and its destructor) or writes it (for a value on the stack).
 * Destructors take NULL and half-built objects. Never mixed with goto.
 */
#ifndef SL_BASE_CLEANUP_H
#define SL_BASE_CLEANUP_H

#include <stdlib.h>

#define SL_AUTO(name) __attribute__((cleanup(name##_cleanup)))
#define SL_MUST_USE __attribute__((warn_unused_result))

/* Defines name_cleanup() for variables of type `type *`, released with destroy(). */
#define SL_AUTO_PTR(name, type, destroy)                                                           \
    static inline void name##_cleanup(type **owned) /* NOLINT(bugprone-macro-parentheses) */       \
    {                                                                                              \
        if (*owned != NULL) {                                                                      \
            destroy(*owned);                                                                       \
        }                                                                                          \
    }                                                                                              \
    struct sl_auto_ptr_##name /* so that the macro's use ends with a semicolon */

/* char * and other plain heap memory: SL_AUTO(sl_free) char *text = NULL; */
static inline void sl_free_cleanup(void *owned)
{
    free(*(void **)owned);
}

/* Takes the pointer out of a variable that would release it: return sl_steal(&thing); */
#define sl_steal(pointer)                                                                          \
    ({                                                                                             \
        __typeof__(*(pointer)) sl_stolen = *(pointer);                                             \
        *(pointer) = NULL;                                                                         \
        sl_stolen;                                                                                 \
    })

#endif
