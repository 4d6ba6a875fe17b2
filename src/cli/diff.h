/* Two YAML texts of one object as a diff for people: the lines that differ with some around them,
 * each group under the field that it is in. Pure. */
#ifndef SL_CLI_DIFF_H
#define SL_CLI_DIFF_H

#include "base/buf.h"

/* Appends the difference as block YAML lines marked ' ', '-' and '+', in hunks headed "@@
 * field.path @@"; nothing where the texts are the same. `colour`: with ANSI colours. */
void sl_diff_yaml(struct sl_str before, struct sl_str after, bool colour, struct sl_buf *out);

#endif
