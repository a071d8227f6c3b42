//! Every variable of the environment that has a meaning here: one table, and what is known but not supported.
//! The readers of this folder can read nothing that it does not hold, and `docs/configuration.md` is made from it.
//! Nothing is read or decided here.

/// Variables of one concern.
#[cfg_attr(not(test), expect(dead_code, reason = "titles are for the page in `docs/`"))]
pub(super) struct Section {
    /// Heading, for people.
    pub(super) title: &'static str,
    /// Its variables.
    pub(super) rows: &'static [Row],
}

/// One variable, or several that say the same in an order of their own.
#[cfg_attr(not(test), expect(dead_code, reason = "defaults and meanings are for the page in `docs/`"))]
pub(super) struct Row {
    /// Their names.
    pub(super) names: &'static [&'static str],
    /// What holds where none is set; Markdown.
    pub(super) default: &'static str,
    /// What it does; Markdown.
    pub(super) does: &'static str,
}

/// A variable of the specification that changes nothing here.
pub(super) struct Unsupported {
    /// Its name.
    pub(super) name: &'static str,
    /// What holds instead, said once where it is set.
    pub(super) instead: &'static str,
    /// Values that ask for what is done anyway.
    pub(super) harmless: &'static [&'static str],
}

/// The table.
pub(super) static SECTIONS: &[Section] = &[
    Section {
        title: "Filter, file, diagnostics",
        rows: &[
            Row {
                names: &["TRACING_WEAVER_LOG", "RUST_LOG"],
                default: "`.filter(..)`, else `info`",
                does: "Which records are forwarded and which trace spans are made, in the grammar of `EnvFilter`; the first that is not empty. \
                       `.filter_env(..)` puts another name in place of the first. A directive that cannot be read is skipped, the others hold. \
                       Metrics do not depend on it.",
            },
            Row {
                names: &["TRACING_WEAVER_FILE"],
                default: "none",
                does: "A file to which each batch of every signal is appended as a line of OTLP/JSON, whatever the exporters are; `-` is stdout, and a pipe, socket or block device is refused. \
                       Private to its owner; at 64 MiB it becomes `PATH.1`, an older one `PATH.2`.",
            },
            Row {
                names: &["TRACING_WEAVER_FINDINGS"],
                default: "`on`",
                does: "`off`: disagreements between code and registry are not looked for.",
            },
            Row {
                names: &["OTEL_SDK_DISABLED"],
                default: "`false`",
                does: "`true`: everything is a no-op; neighbours given to `.layer(..)` are installed all the same.",
            },
            Row { names: &["NO_COLOR"], default: "none", does: "Not empty: no colours on the console." },
            Row { names: &["TERM"], default: "none", does: "`dumb`: no colours on the console." },
        ],
    },
    Section {
        title: "Resource",
        rows: &[
            Row {
                names: &["OTEL_SERVICE_NAME"],
                default: "`service.name` of the list, else `unknown_service:` and the executable's name",
                does: "`service.name`.",
            },
            Row {
                names: &["OTEL_RESOURCE_ATTRIBUTES"],
                default: "none",
                does: "`key=value,key2=value2`, values percent-encoded. One entry that cannot be read spoils the list.",
            },
        ],
    },
    Section {
        title: "Where the signals go",
        rows: &[Row {
            names: &["OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_TRACES_EXPORTER"],
            default: "`otlp` where an endpoint of the signal or the general one is set, else `console`",
            does: "`otlp`, `console`, `none`, or a list of them.",
        }],
    },
    Section {
        title: "OTLP",
        rows: &[
            Row {
                names: &[
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
                    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                ],
                default: "`http://localhost:4318`, over gRPC `http://localhost:4317`",
                does: "The receiver, `http://…` or `https://…`. Over HTTP `/v1/logs`, `/v1/metrics` or `/v1/traces` is added to the general one, and a \
                       signal's own is taken as it is. Over gRPC `host:port` will do.",
            },
            Row {
                names: &[
                    "OTEL_EXPORTER_OTLP_PROTOCOL",
                    "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
                    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
                    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
                ],
                default: "`http/protobuf`",
                does: "`http/protobuf`, `http/json` or `grpc`.",
            },
            Row {
                names: &[
                    "OTEL_EXPORTER_OTLP_HEADERS",
                    "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
                    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
                    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                ],
                default: "none",
                does: "Headers of each request, `key=value,key2=value2`, values percent-encoded. Never shown. A signal's own list stands in place of the \
                       general one; an entry that is no header is left out.",
            },
            Row {
                names: &[
                    "OTEL_EXPORTER_OTLP_TIMEOUT",
                    "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
                    "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
                    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
                ],
                default: "`10000`",
                does: "Milliseconds that one batch may take, all its attempts together.",
            },
            Row {
                names: &[
                    "OTEL_EXPORTER_OTLP_COMPRESSION",
                    "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
                    "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
                    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
                ],
                default: "`none`",
                does: "`gzip` or `none`.",
            },
            Row {
                names: &[
                    "OTEL_EXPORTER_OTLP_CERTIFICATE",
                    "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
                    "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
                    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
                ],
                default: "the system's roots",
                does: "PEM file of the certificates that are trusted, in place of the system's. If it cannot be used, nothing is sent: see below.",
            },
            Row {
                names: &[
                    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                    "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
                    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
                    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                ],
                default: "none",
                does: "PEM file of the certificate that we show, with those that lead to its CA; goes with a key.",
            },
            Row {
                names: &[
                    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                    "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
                    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
                    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
                ],
                default: "none",
                does: "PEM file of the key of that certificate, not encrypted.",
            },
            Row {
                names: &[
                    "OTEL_EXPORTER_OTLP_INSECURE",
                    "OTEL_EXPORTER_OTLP_LOGS_INSECURE",
                    "OTEL_EXPORTER_OTLP_METRICS_INSECURE",
                    "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
                ],
                default: "`false`",
                does: "`true`: an endpoint `host:port` over gRPC is spoken to without TLS. An endpoint with `http://` or `https://` says it itself.",
            },
        ],
    },
    Section {
        title: "Records",
        rows: &[
            Row {
                names: &["OTEL_BLRP_SCHEDULE_DELAY"],
                default: "`1000`; `100` with a console",
                does: "Milliseconds that a record waits at most for its batch to fill.",
            },
            Row {
                names: &["OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"],
                default: "`512`",
                does: "Most records in one request; it has at most 1 MiB, too.",
            },
            Row {
                names: &["OTEL_BLRP_EXPORT_TIMEOUT"],
                default: "the exporter's timeout",
                does: "Milliseconds that one batch of records may take; the shorter of this and the exporter's timeout holds.",
            },
            Row {
                names: &["OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"],
                default: "`128`",
                does: "Most attributes of a record, 128 at most; the rest is counted on it.",
            },
            Row {
                names: &["OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"],
                default: "none",
                does: "Most characters of a text in an attribute of a record. Every text is cut at 64 KiB, too.",
            },
        ],
    },
    Section {
        title: "Metrics",
        rows: &[
            Row { names: &["OTEL_METRIC_EXPORT_INTERVAL"], default: "`60000`", does: "Milliseconds from one collection to the next." },
            Row {
                names: &["OTEL_METRIC_EXPORT_TIMEOUT"],
                default: "the exporter's timeout",
                does: "Milliseconds that one batch of metrics may take; the shorter of this and the exporter's timeout holds.",
            },
            Row {
                names: &["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
                default: "`cumulative`",
                does: "`cumulative`. `delta` and `lowmemory` are not supported yet: said once, and ignored.",
            },
            Row {
                names: &["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"],
                default: "`explicit_bucket_histogram`",
                does: "`explicit_bucket_histogram`, for what the registry does not say otherwise. `base2_exponential_bucket_histogram` is not supported yet: \
                       said once, and ignored.",
            },
        ],
    },
    Section {
        title: "Traces",
        rows: &[
            Row {
                names: &["OTEL_TRACES_SAMPLER"],
                default: "`parentbased_always_on`",
                does: "`always_on`, `always_off`, `traceidratio`, `parentbased_always_on`, `parentbased_always_off`, `parentbased_traceidratio`.",
            },
            Row { names: &["OTEL_TRACES_SAMPLER_ARG"], default: "`1`", does: "The ratio of `traceidratio`, 0 to 1." },
            Row {
                names: &["OTEL_PROPAGATORS"],
                default: "`tracecontext,baggage`",
                does: "What `trace_context::extract` reads and `inject` writes: `tracecontext`, `baggage`, a list of both, or `none`.",
            },
            Row {
                names: &["OTEL_BSP_SCHEDULE_DELAY"],
                default: "`5000`",
                does: "Milliseconds that a span waits at most for its batch to fill.",
            },
            Row {
                names: &["OTEL_BSP_MAX_QUEUE_SIZE"],
                default: "`32768`",
                does: "Most spans that wait for the export thread; past it they are dropped and counted.",
            },
            Row {
                names: &["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"],
                default: "`512`, or as many as the queue holds",
                does: "Most spans in one request; no more than the queue holds.",
            },
            Row {
                names: &["OTEL_BSP_EXPORT_TIMEOUT"],
                default: "the exporter's timeout",
                does: "Milliseconds that one batch of spans may take; the shorter of this and the exporter's timeout holds.",
            },
            Row {
                names: &["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"],
                default: "`128`",
                does: "Most attributes of a span; the rest is counted on it.",
            },
            Row {
                names: &["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"],
                default: "none",
                does: "Most characters of a text in an attribute of a span, of its events and links. Every text is cut at 64 KiB, too.",
            },
            Row { names: &["OTEL_SPAN_EVENT_COUNT_LIMIT"], default: "`128`", does: "Most events (exceptions) of a span." },
            Row { names: &["OTEL_SPAN_LINK_COUNT_LIMIT"], default: "`128`", does: "Most links of a span." },
            Row {
                names: &["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"],
                default: "`128`",
                does: "Most attributes of an event of a span.",
            },
            Row {
                names: &["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"],
                default: "`128`",
                does: "Most attributes of a link of a span.",
            },
        ],
    },
    Section {
        title: "Detector `k8s`",
        rows: &[
            Row {
                names: &["K8S_POD_NAME", "OTEL_RESOURCE_ATTRIBUTES_POD_NAME", "POD_NAME"],
                default: "`name` in `/etc/podinfo`, else the pod's own hostname",
                does: "`k8s.pod.name`, the first that is set.",
            },
            Row {
                names: &["K8S_POD_UID", "OTEL_RESOURCE_ATTRIBUTES_POD_UID", "POD_UID"],
                default: "`uid` in `/etc/podinfo`, else that of the kubelet's mounts or of the control group",
                does: "`k8s.pod.uid`, the first that is set.",
            },
            Row {
                names: &["K8S_NAMESPACE_NAME", "OTEL_RESOURCE_ATTRIBUTES_NAMESPACE_NAME", "POD_NAMESPACE"],
                default: "`namespace` in `/etc/podinfo`, else that of the service account",
                does: "`k8s.namespace.name`, the first that is set.",
            },
            Row {
                names: &["K8S_NODE_NAME", "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME", "NODE_NAME"],
                default: "none",
                does: "`k8s.node.name`, the first that is set; `NODE_NAME` in a pod only.",
            },
            Row { names: &["KUBERNETES_SERVICE_HOST"], default: "none", does: "Set by Kubernetes in each pod." },
            Row {
                names: &["K8S_CONTAINER_NAME", "OTEL_RESOURCE_ATTRIBUTES_CONTAINER_NAME"],
                default: "that of the kubelet's mounts",
                does: "`k8s.container.name`, the first that is set.",
            },
            Row { names: &["K8S_DEPLOYMENT_NAME"], default: "none", does: "`k8s.deployment.name`." },
            Row { names: &["K8S_CLUSTER_NAME"], default: "none", does: "`k8s.cluster.name`." },
        ],
    },
    Section {
        title: "Read by the libraries underneath",
        rows: &[
            Row {
                names: &["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"],
                default: "none",
                does: "Proxies of OTLP over HTTP, also in lower case; never for a receiver on this machine, nor for gRPC.",
            },
            Row {
                names: &["SSL_CERT_FILE", "SSL_CERT_DIR"],
                default: "the system's own places",
                does: "Where the system's roots are read from.",
            },
        ],
    },
];

/// What is known and changes nothing.
pub(super) static UNSUPPORTED: &[Unsupported] = &[
    Unsupported { name: "OTEL_CONFIG_FILE", instead: "files of configuration are not read", harmless: &[] },
    Unsupported { name: "OTEL_EXPERIMENTAL_CONFIG_FILE", instead: "files of configuration are not read", harmless: &[] },
    Unsupported {
        name: "OTEL_ENTITIES",
        instead: "entities are those of the registry; `OTEL_RESOURCE_ATTRIBUTES` adds to the resource",
        harmless: &[],
    },
    Unsupported { name: "OTEL_LOG_LEVEL", instead: "own diagnostics are few, and all go to stderr", harmless: &[] },
    Unsupported {
        name: "OTEL_BLRP_MAX_QUEUE_SIZE",
        instead: "records wait in queues that are bounded in bytes, 64 MiB for the whole process, and not in number",
        harmless: &[],
    },
    Unsupported { name: "OTEL_METRICS_EXEMPLAR_FILTER", instead: "no exemplars are made", harmless: &["always_off"] },
];

/// All names of the table.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().flat_map(|section| section.rows).flat_map(|row| row.names).copied()
}

/// Whether the table holds a name.
pub(super) fn holds(name: &str) -> bool {
    names().any(|known| known == name)
}
