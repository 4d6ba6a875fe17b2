/* The line diff (diff.h): the longest common subsequence of what is left between the lines that
 * both texts begin and end with. */
#include "cli/diff.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"

#define CONTEXT ((size_t)3)         /* lines around a change */
#define CELLS_MAX ((size_t)1 << 22) /* of the table; beyond that everything between is a change */

#define RED "\033[31m"
#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define RESET "\033[0m"

struct lines {
    struct sl_str *items;
    size_t count;
};

/* One line of the diff. */
struct edit {
    char mark; /* ' ', '-', '+' */
    size_t
        before; /* index of the line in each text; for '-' and '+' of the next one in the other */
    size_t after;
};

struct diff {
    struct lines before, after;
    struct edit *edits;
    size_t count;
};

static void *allocate(size_t count, size_t size)
{
    void *memory = reallocarray(NULL, count == 0 ? 1 : count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static struct lines split(struct sl_str text)
{
    struct lines lines = {0};
    size_t most = 1;
    for (size_t i = 0; i < text.n; i++) {
        most += text.p[i] == '\n';
    }
    lines.items = allocate(most, sizeof *lines.items);
    while (text.p != NULL && text.n > 0) {
        lines.items[lines.count++] = sl_str_cut(&text, '\n');
    }
    return lines;
}

static void push(struct diff *diff, char mark, size_t before, size_t after)
{
    diff->edits[diff->count++] = (struct edit){.mark = mark, .before = before, .after = after};
}

static bool same(const struct diff *diff, size_t before, size_t after)
{
    return sl_str_eq(diff->before.items[before], diff->after.items[after]);
}

/* Lines [first, end) of each text, of which neither the first nor the last is common. cell(i, j) is
 * the length of the longest common subsequence of what follows i and j. */
static void compare_middle(struct diff *diff, size_t first, size_t before_end, size_t after_end)
{
    size_t rows = before_end - first;
    size_t columns = after_end - first;
    size_t width = columns + 1;
    size_t cells = 0;
    bool fits = !__builtin_mul_overflow(rows + 1, width, &cells) && cells <= CELLS_MAX;
    uint32_t *table = fits ? calloc(cells, sizeof *table) : NULL;
    for (size_t i = rows; table != NULL && i-- > 0;) {
        for (size_t j = columns; j-- > 0;) {
            uint32_t down = table[(i + 1) * width + j];
            uint32_t right = table[i * width + j + 1];
            table[i * width + j] = same(diff, first + i, first + j)
                                       ? table[(i + 1) * width + j + 1] + 1
                                       : (down >= right ? down : right);
        }
    }
    size_t i = 0;
    size_t j = 0;
    while (i < rows || j < columns) {
        if (table != NULL && i < rows && j < columns && same(diff, first + i, first + j)) {
            push(diff, ' ', first + i++, first + j++);
        } else if (i < rows && (j == columns || table == NULL ||
                                table[(i + 1) * width + j] >= table[i * width + j + 1])) {
            push(diff, '-', first + i++, first + j);
        } else {
            push(diff, '+', first + i, first + j++);
        }
    }
    free(table);
}

static void compare(struct diff *diff)
{
    size_t before_end = diff->before.count;
    size_t after_end = diff->after.count;
    size_t first = 0;
    while (first < before_end && first < after_end && same(diff, first, first)) {
        push(diff, ' ', first, first);
        first++;
    }
    size_t common = 0; /* lines at the end */
    while (before_end - common > first && after_end - common > first &&
           same(diff, before_end - common - 1, after_end - common - 1)) {
        common++;
    }
    compare_middle(diff, first, before_end - common, after_end - common);
    for (size_t i = common; i > 0; i--) {
        push(diff, ' ', before_end - i, after_end - i);
    }
}

/* --- the field that a line is in --- */

/* A line of block YAML: "- " marks an element of a list, and what follows may be a key. */
struct shape {
    size_t marker;     /* column of the last "- ", or SIZE_MAX */
    size_t column;     /* of the text after it */
    struct sl_str key; /* absent: a scalar */
};

static struct shape shape_of(struct sl_str line)
{
    struct shape shape = {.marker = SIZE_MAX};
    size_t at = 0;
    while (at < line.n && line.p[at] == ' ') {
        at++;
    }
    while (at + 1 < line.n && line.p[at] == '-' && line.p[at + 1] == ' ') {
        shape.marker = at;
        at += 2;
    }
    shape.column = at;
    for (size_t i = at; i < line.n; i++) {
        if (line.p[i] == ':' && (i + 1 == line.n || line.p[i + 1] == ' ')) {
            shape.key = (struct sl_str){.p = line.p + at, .n = i - at};
            break;
        }
    }
    return shape;
}

/* The way up from a line to the document, token by token. */
struct climb {
    struct sl_arena *arena;
    const char *path;
    size_t column; /* of the token whose container is looked for */
    bool element;  /* that token is a "- " */
    bool counted;  /* ... and its index belongs into the path */
    size_t index;
};

/* What is inside has been met: puts one more segment in front. */
static void put_segment(struct climb *climb, struct sl_str key)
{
    if (climb->counted) {
        climb->path = sl_arena_printf(climb->arena, "[%zu]%s%s", climb->index,
                                      climb->path[0] == '\0' ? "" : ".", climb->path);
    }
    climb->path =
        sl_arena_printf(climb->arena, "%.*s%s%s", SL_STR_FMT(key),
                        climb->path[0] == '\0' || climb->path[0] == '[' ? "" : ".", climb->path);
}

static void enter_element(struct climb *climb, size_t marker)
{
    climb->column = marker;
    climb->element = true;
    climb->counted = true;
    climb->index = 0;
}

static void climb_line(struct climb *climb, struct shape line)
{
    bool marked = line.marker != SIZE_MAX;
    if (line.key.p != NULL &&
        (line.column < climb->column || (climb->element && line.column == climb->column))) {
        put_segment(climb, line.key);
        climb->column = line.column;
        climb->element = false;
        climb->counted = false;
        if (marked) {
            enter_element(climb, line.marker);
        }
    } else if (marked && !climb->element && line.marker < climb->column) {
        enter_element(climb, line.marker);
    } else if (marked && climb->counted && line.marker == climb->column) {
        climb->index++;
    }
}

/* The path of what holds line `at`: "spec.containers[0]". Lists of lists and the text of block
 * scalars are not told apart: the path is for people's eyes only. */
static const char *container(const struct lines *lines, size_t at, struct sl_arena *arena)
{
    struct shape line = shape_of(lines->items[at]);
    struct climb climb = {.arena = arena, .path = "", .column = line.column};
    if (line.marker != SIZE_MAX) {
        climb.column = line.marker;
        climb.element = true;
    }
    while (at-- > 0 && (climb.column > 0 || climb.element)) {
        climb_line(&climb, shape_of(lines->items[at]));
    }
    return climb.path;
}

/* --- hunks --- */

static void add_line(const struct diff *diff, const struct edit *edit, bool colour,
                     struct sl_buf *out)
{
    struct sl_str line =
        edit->mark == '+' ? diff->after.items[edit->after] : diff->before.items[edit->before];
    const char *paint = edit->mark == '+' ? GREEN : RED;
    bool painted = colour && edit->mark != ' ';
    sl_buf_addf(out, "%s%c%.*s%s\n", painted ? paint : "", edit->mark, SL_STR_FMT(line),
                painted ? RESET : "");
}

static void add_heading(const struct diff *diff, const struct edit *change, bool colour,
                        struct sl_buf *out)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const char *path = change->mark == '+' ? container(&diff->after, change->after, &arena)
                                           : container(&diff->before, change->before, &arena);
    sl_buf_addf(out, "%s@@ %s%s@@%s\n", colour ? CYAN : "", path, path[0] == '\0' ? "" : " ",
                colour ? RESET : "");
}

/* The first change at or after `from`; diff->count: none. */
static size_t next_change(const struct diff *diff, size_t from)
{
    while (from < diff->count && diff->edits[from].mark == ' ') {
        from++;
    }
    return from;
}

static void add_hunks(const struct diff *diff, bool colour, struct sl_buf *out)
{
    size_t written = 0; /* edits before this one are in a hunk already, or between two */
    for (size_t change = next_change(diff, 0); change < diff->count;) {
        size_t start = change > written + CONTEXT ? change - CONTEXT : written;
        add_heading(diff, &diff->edits[change], colour, out);
        size_t end = change;
        size_t next = change;
        while (next < diff->count && next <= end + 2 * CONTEXT) { /* contexts that touch are one */
            end = next + 1;
            next = next_change(diff, end);
        }
        size_t stop = diff->count - end > CONTEXT ? end + CONTEXT : diff->count;
        for (size_t i = start; i < stop; i++) {
            add_line(diff, &diff->edits[i], colour, out);
        }
        written = stop;
        change = next;
    }
}

void sl_diff_yaml(struct sl_str before, struct sl_str after, bool colour, struct sl_buf *out)
{
    struct diff diff = {.before = split(before), .after = split(after)};
    diff.edits = allocate(diff.before.count + diff.after.count, sizeof *diff.edits);
    compare(&diff);
    add_hunks(&diff, colour, out);
    free(diff.edits);
    free(diff.before.items);
    free(diff.after.items);
}
