/* Columns as kubectl prints them: as wide as their longest cell, three spaces apart, nothing behind
 * the last. */
#ifndef SL_CLI_TABLE_H
#define SL_CLI_TABLE_H

#include "cli/text.h"

struct sl_cell {
    const char *text;
    enum sl_style style;
};

/* Not opaque so that it can stand on the stack; all zero but `columns` is an empty table. */
struct sl_table {
    size_t columns;
    bool colour;
    struct sl_cell *cells; /* row by row */
    size_t count, allocated;
};
void sl_table_cleanup(struct sl_table *table);

/* Adds a row of `columns` texts, which are borrowed until the table is written. */
#define sl_table_add(table, ...) sl_table_row((table), (const char *const[]){__VA_ARGS__})
void sl_table_row(struct sl_table *table, const char *const *texts);

/* Of a cell of the row that was added last. */
void sl_table_paint(struct sl_table *table, size_t column, enum sl_style style);

void sl_table_write(const struct sl_table *table, struct sl_buf *out);

#endif
