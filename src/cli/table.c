/* Columns (table.h). */
#include "cli/table.h"

#include <assert.h>
#include <stdlib.h>

#define GAP 3
#define COLUMNS_MAX 12

void sl_table_cleanup(struct sl_table *table)
{
    free(table->cells);
    *table = (struct sl_table){0};
}

void sl_table_row(struct sl_table *table, const char *const *texts)
{
    assert(table->columns <= COLUMNS_MAX);
    if (table->count + table->columns > table->allocated) {
        table->allocated = 2 * table->allocated + 8 * table->columns;
        table->cells = reallocarray(table->cells, table->allocated, sizeof *table->cells);
        if (table->cells == NULL) {
            abort();
        }
    }
    for (size_t i = 0; i < table->columns; i++) {
        table->cells[table->count++] = (struct sl_cell){.text = texts[i], .style = SL_PLAIN};
    }
}

void sl_table_paint(struct sl_table *table, size_t column, enum sl_style style)
{
    table->cells[table->count - table->columns + column].style = style;
}

void sl_table_write(const struct sl_table *table, struct sl_buf *out)
{
    size_t widths[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->count; i++) {
        size_t width = sl_text_width(sl_str_from(table->cells[i].text));
        size_t *widest = &widths[i % table->columns];
        *widest = width > *widest ? width : *widest;
    }
    for (size_t i = 0; i < table->count; i++) {
        struct sl_str text = sl_str_from(table->cells[i].text);
        size_t column = i % table->columns;
        sl_text_paint(out, text, table->cells[i].style, table->colour);
        if (column + 1 == table->columns) {
            sl_buf_addc(out, '\n');
        } else {
            sl_buf_addf(out, "%*s", (int)(widths[column] - sl_text_width(text) + GAP), "");
        }
    }
}
