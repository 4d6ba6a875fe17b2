/* Text of other people on our output: names, messages and reasons come from whoever wrote an
 * object, and on a terminal they must do nothing but be read. Pure functions. */
#ifndef SL_CLI_TEXT_H
#define SL_CLI_TEXT_H

#include <stdint.h>

#include "base/buf.h"

/* Appends `text` on one line: each control character (C0, DEL and C1) and each byte that is no
 * UTF-8 becomes a '?'. */
void sl_text_add(struct sl_buf *out, struct sl_str text);

/* How many characters sl_text_add() writes. */
size_t sl_text_width(struct sl_str text);

/* Appends how long `ns` nanoseconds are, as kubectl's AGE has it: "25s", "3m20s", "47h". Source:
 * k8s.io/apimachinery/pkg/util/duration, HumanDuration. */
void sl_text_age(struct sl_buf *out, int64_t ns);

enum sl_style { SL_PLAIN, SL_BOLD, SL_DIM, SL_GREEN, SL_YELLOW, SL_RED, SL_STYLES };

/* Appends `text` as above, in a style where `colour`. */
void sl_text_paint(struct sl_buf *out, struct sl_str text, enum sl_style style, bool colour);

#endif
