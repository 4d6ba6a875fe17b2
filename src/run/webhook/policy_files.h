/* Policies from files and directories into a snapshot: for the webhook's store, and for `sluice
 * review -p`. */
#ifndef SL_RUN_WEBHOOK_POLICY_FILES_H
#define SL_RUN_WEBHOOK_POLICY_FILES_H

#include "core/snapshot.h"

#define SL_POLICY_FILE_MAX (4 * SL_MIB) /* bytes of one file */
#define SL_POLICY_FILES_MAX 1000        /* files of one directory */

/* Reads `path` into a snapshot that is not sealed yet: a file of any name ("-": standard input), or
 * a directory's *.yaml, *.yml and *.json in the order of their names (not below it; names that
 * begin with a dot are left out, as a mounted ConfigMap's `..data`). Only standard input can block:
 * pipes and devices are refused. Errors: NOT_FOUND, DENIED, INVALID "FILE:LINE:COLUMN: path: what
 * is wrong", one line for each problem of the first file that has any. */
SL_MUST_USE int sl_policy_files_add(struct sl_snapshot *snapshot, const char *path,
                                    const struct sl_workload_kinds *kinds, struct sl_err *err);

#endif
