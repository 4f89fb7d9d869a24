//! `/metrics`: the text format of Prometheus, and OpenMetrics for who asks for it.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::problem::Problem;
use super::{Backend, MetricFamily, MetricHistogram, MetricKind};

pub(super) async fn metrics<B: Backend>(State(backend): State<Arc<B>>, headers: HeaderMap) -> Response {
    // Some of it is read from /proc.
    let families = tokio::task::spawn_blocking(move || backend.metrics()).await;
    let open = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("application/openmetrics-text")));
    let Some(text) = families.ok().and_then(|families| encode(families, open)) else {
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written").into_response();
    };
    ([(header::CONTENT_TYPE, if open { OPEN_METRICS } else { PROMETHEUS })], text).into_response()
}

fn encode(families: Vec<MetricFamily>, open: bool) -> Option<String> {
    let counters = families.iter().filter(|family| family.kind == MetricKind::Counter);
    let counters: HashSet<String> = counters.map(|family| family.name.clone()).collect();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families)));
    let mut text = String::new();
    text::encode(&mut text, &registry).ok()?;
    Some(if open { text } else { prometheus(&text, &counters) })
}

/// The older format differs: HELP and TYPE of a counter bear its whole name, and nothing marks the end.
fn prometheus(open: &str, counters: &HashSet<String>) -> String {
    let mut text = String::with_capacity(open.len());
    for line in open.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what), Some(name), Some(rest)) if counters.contains(name) => {
                text.extend(["# ", what, " ", name, "_total ", rest]);
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[derive(Debug)]
struct Families(Vec<MetricFamily>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for family in &self.0 {
            let kind = match family.kind {
                MetricKind::Counter => MetricType::Counter,
                MetricKind::Gauge => MetricType::Gauge,
                MetricKind::Histogram(_) => MetricType::Histogram,
            };
            let mut metric = encoder.encode_descriptor(&family.name, &family.help, None, kind)?;
            if let MetricKind::Histogram(histograms) = &family.kind {
                match histograms.as_slice() {
                    [only] if only.labels.is_empty() => encode_histogram(only, metric)?,
                    several => {
                        for one in several {
                            encode_histogram(one, metric.encode_family(&one.labels)?)?;
                        }
                    }
                }
                continue;
            }
            match family.samples.as_slice() {
                [only] if only.labels.is_empty() => encode_value(&family.kind, only.value, metric)?,
                samples => {
                    for sample in samples {
                        encode_value(&family.kind, sample.value, metric.encode_family(&sample.labels)?)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn encode_histogram(histogram: &MetricHistogram, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
    let count = histogram.buckets.iter().map(|(_, count)| count).sum();
    encoder.encode_histogram::<NoLabelSet>(histogram.sum, count, &histogram.buckets, None)
}

fn encode_value(kind: &MetricKind, value: u64, encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
    match kind {
        MetricKind::Counter => ConstCounter::new(value).encode(encoder),
        MetricKind::Gauge | MetricKind::Histogram(_) => {
            ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(encoder)
        }
    }
}

const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
