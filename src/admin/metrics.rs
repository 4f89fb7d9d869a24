//! `/metrics` in the OpenMetrics text format.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::problem::Problem;
use super::{Backend, MetricFamily, MetricKind};

pub(super) async fn metrics<B: Backend>(State(backend): State<Arc<B>>) -> Response {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(backend.metrics())));
    let mut text = String::new();
    match text::encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written").into_response(),
    }
}

#[derive(Debug)]
struct Families(Vec<MetricFamily>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for family in &self.0 {
            let kind = match family.kind {
                MetricKind::Counter => ConstCounter::new(0_u64).metric_type(),
                MetricKind::Gauge => ConstGauge::new(0_i64).metric_type(),
            };
            let mut metric = encoder.encode_descriptor(&family.name, &family.help, None, kind)?;
            match family.samples.as_slice() {
                [only] if only.labels.is_empty() => encode_value(family.kind, only.value, metric)?,
                samples => {
                    for sample in samples {
                        encode_value(family.kind, sample.value, metric.encode_family(&sample.labels)?)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn encode_value(kind: MetricKind, value: u64, encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
    match kind {
        MetricKind::Counter => ConstCounter::new(value).encode(encoder),
        MetricKind::Gauge => ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(encoder),
    }
}

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
