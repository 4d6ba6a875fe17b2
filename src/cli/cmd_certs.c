/* sluice certs: a CA and serving certificate where there is no cert-manager (net/certs.h), and a
 * check of the files that an API server will meet. */
#include "base/clock.h"
#include "cli/command.h"
#include "net/certs.h"

#define DEFAULT_DAYS 365

struct issue_values {
    struct sl_texts dns;
    const char *out;
    int days;
};

static const struct sl_option issue_options[] = {
    {.name = "dns",
     .type = SL_O_TEXTS,
     .at = offsetof(struct issue_values, dns),
     .value = "NAME",
     .help = "a DNS name or IP address to serve; may be repeated.\n"
             "For a Service: sluice-webhook.sluice-system.svc"},
    {.name = "out",
     .type = SL_O_TEXT,
     .at = offsetof(struct issue_values, out),
     .value = "DIR",
     .help = "where to write ca.crt, tls.crt and tls.key"},
    {.name = "days",
     .type = SL_O_INT,
     .at = offsetof(struct issue_values, days),
     .value = "N",
     .fallback = DEFAULT_DAYS,
     .min = 1,
     .max = SL_CERTS_DAYS_MAX,
     .help = "how long they are valid (default 365)"},
    {0},
};

struct check_values {
    struct sl_texts dns;
};

static const struct sl_option check_options[] = {
    {.name = "dns",
     .type = SL_O_TEXTS,
     .at = offsetof(struct check_values, dns),
     .value = "NAME",
     .help = "a name that must be covered; may be repeated"},
    {0},
};

static int64_t now_seconds(void)
{
    return sl_clock_wall() / SL_NS_PER_S;
}

static int run_issue(const struct sl_command *self, const void *values_,
                     struct sl_operands operands)
{
    (void)operands;
    const struct issue_values *values = values_;
    if (values->dns.count == 0 || values->out == NULL) {
        return sl_command_misused(self, "--%s is missing", values->out == NULL ? "out" : "dns");
    }
    struct sl_err err = SL_ERR_INIT;
    if (sl_certs_issue(values->dns.items, values->dns.count, values->out, (unsigned)values->days,
                       now_seconds(), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    sl_buf_addf(&text,
                "%s/ca.crt   the CA's certificate; its key was not kept\n"
                "%s/tls.crt  the serving certificate, valid for %d days\n"
                "%s/tls.key  its key, readable by its owner alone\n"
                "The caBundle of the webhook configurations: base64 -w0 < %s/ca.crt\n",
                values->out, values->out, values->days, values->out, values->out);
    if (sl_command_print(sl_buf_str(&text), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

static void add_date(struct sl_buf *out, const char *label, int64_t seconds)
{
    char text[SL_CLOCK_DATE_SIZE];
    sl_clock_date(seconds, text);
    sl_buf_addf(out, "%s%s\n", label, text);
}

static int run_check(const struct sl_command *self, const void *values_,
                     struct sl_operands operands)
{
    const struct check_values *values = values_;
    struct sl_certs_report report = {0};
    struct sl_err err = SL_ERR_INIT;
    if (sl_certs_check(operands.items[0], values->dns.items, values->dns.count, now_seconds(),
                       &report, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_NO);
    }
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(4 * SL_KIB);
    sl_buf_addf(&text, "subject:     %s\nnames:       %s\n", report.subject, report.names);
    add_date(&text, "valid from:  ", report.not_before);
    add_date(&text, "valid until: ", report.not_after);
    if (sl_command_print(sl_buf_str(&text), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

const struct sl_command sl_cmd_certs_issue = {
    .name = "certs issue",
    .operands = "",
    .summary = "Make a CA and a serving certificate for the webhook",
    .details =
        "\nFor clusters without cert-manager. ECDSA P-256. Each call makes a new CA, so the\n"
        "caBundle of the webhook configurations has to be set again.\n",
    .options = issue_options,
    .values_size = sizeof(struct issue_values),
    .run = run_issue,
};

const struct sl_command sl_cmd_certs_check = {
    .name = "certs check",
    .operands = "DIR",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Check a serving certificate as an API server would",
    .details = "\nDIR holds tls.crt, tls.key and, where the chain is to be checked, ca.crt.\n"
               "Exit status: 0 in order, 1 not (the first reason is printed), 2 bad usage.\n",
    .options = check_options,
    .values_size = sizeof(struct check_values),
    .run = run_check,
};
