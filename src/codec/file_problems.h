/* What is wrong in a YAML file, as one error that an editor can jump to. Used by the configuration
 * file, the policy files, kubeconfigs and the documents of `sluice review`, so that all report
 * alike. Any thread. */
#ifndef SL_CODEC_FILE_PROBLEMS_H
#define SL_CODEC_FILE_PROBLEMS_H

#include "codec/problem.h"
#include "codec/yaml.h"

/* sl_yaml_parse(). Errors: INVALID "FILE:LINE:COLUMN: what is wrong". */
SL_MUST_USE int sl_file_parse(const char *file, struct sl_str text, struct sl_yaml_docs **ret_docs,
                              struct sl_err *err);

/* Returns 0 when there are no problems. Errors: INVALID, a line "FILE:LINE:COLUMN: path: what is
 * wrong" for each problem as long as there is room, then how many there are besides. `docs` NULL:
 * an empty file, whose problems have no place. */
SL_MUST_USE int sl_file_problems(const char *file, const struct sl_yaml_docs *docs, size_t index,
                                 const struct sl_problems *problems, struct sl_err *err);

#endif
