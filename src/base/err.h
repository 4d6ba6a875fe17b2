/* The error object: one kind that drives behaviour, one sentence that a person can act on.
 *
 * Functions that can fail return 0 or -1 and take `struct sl_err *err` last. Their outputs are
 * untouched on failure. err may be NULL where the caller needs no sentence. An error is a value on
 * the caller's stack: nothing to free, safe to copy, no lock. Context is added once per layer with
 * sl_err_wrap(); only the edge (a request, the main loop, a command) logs or prints it, once.
 */
#ifndef SL_BASE_ERR_H
#define SL_BASE_ERR_H

#define SL_ERR_MSG_MAX 1024 /* bytes with the NUL; a longer sentence is cut */

enum sl_err_kind {
    SL_ERR_NONE = 0,
    SL_ERR_INVALID,   /* the input is wrong: say what, where, what to do */
    SL_ERR_NOT_FOUND, /* what was named is not there */
    SL_ERR_CONFLICT,  /* somebody else changed it first */
    SL_ERR_GONE,      /* too old: start again from a list */
    SL_ERR_DENIED,    /* not allowed, and trying again will not help */
    SL_ERR_TRANSIENT, /* trying again may help */
    SL_ERR_INTERNAL,  /* a fault of ours, or of the system below us */
};

struct sl_err {
    enum sl_err_kind kind;
    char msg[SL_ERR_MSG_MAX];
};

#define SL_ERR_INIT                                                                                \
    {                                                                                              \
        .kind = SL_ERR_NONE, .msg = ""                                                             \
    }

/* Sets kind and sentence; always returns -1, so that a failure is one statement:
 * return sl_err_set(err, SL_ERR_INVALID, "…"). */
int sl_err_set(struct sl_err *err, enum sl_err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As sl_err_set() for a failed system call: appends ": " and the text of `errnum`. ENOENT becomes
 * NOT_FOUND, EACCES and EPERM DENIED, anything else INTERNAL. */
int sl_err_sys(struct sl_err *err, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts context and ": " in front of the sentence, keeps the kind, returns -1. */
int sl_err_wrap(struct sl_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
