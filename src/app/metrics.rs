//! All counters under their names.

pub(super) mod lists;

use std::sync::Arc;

use super::live::{Live, wall_time};
use crate::admin::{MetricFamily, MetricKind, MetricSample};
use crate::counters::{Counter, EngineCounters, NetCounters};
use crate::sip::Malformed;

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let world = live.worlds.load();
    let records = &live.counts.records;
    let mut families = vec![
        gauge("generation", "Edits and reloads since the first start", world.generation),
        gauge("calls_live", "Calls that are up", live.usage.live() as u64),
        counter("reloads", "Reloads that succeeded", &live.counts.reloads),
        counter("reloads_failed", "Reloads that changed nothing", &live.counts.reloads_failed),
        counter("edits", "Edits made, imported entries included", &live.counts.edits),
        counter("folds", "Times that edits were folded into the bases of lists", &live.counts.folds),
        counter("records_written", "Record lines written", &records.written),
        MetricFamily {
            name: "ringfence_records_dropped".into(),
            help: "Record lines lost".into(),
            kind: MetricKind::Counter,
            samples: vec![
                sample("reason", "queue_full", records.dropped_queue_full.get()),
                sample("reason", "write_failed", records.dropped_write_failed.get()),
            ],
        },
        MetricFamily {
            name: "ringfence_trunk_calls".into(),
            help: "Calls of a trunk that are up".into(),
            kind: MetricKind::Gauge,
            samples: world
                .policy
                .trunks
                .iter()
                .flat_map(|trunk| {
                    let calls = live.usage.trunk_calls(&trunk.name);
                    [("from", calls.from), ("to", calls.to)].map(|(direction, value)| MetricSample {
                        labels: vec![("trunk", trunk.name.to_string()), ("direction", direction.to_owned())],
                        value,
                    })
                })
                .collect(),
        },
    ];
    families.extend(lists::families(&world, &live.read(), wall_time()));
    families.extend(engines(&live.counts.sip.engines));
    families.extend(net(&live.counts.sip.net));
    families
}

type Field = fn(&EngineCounters) -> &Counter;

fn engines(shards: &[Arc<EngineCounters>]) -> impl Iterator<Item = MetricFamily> {
    let sum = |of: Field| shards.iter().map(|shard| of(shard).get()).sum();
    let named: [(&str, &str, Field); 14] = [
        ("requests", "Requests that came in, retransmissions included", |counters| &counters.requests),
        ("responses", "Responses that came in", |counters| &counters.responses),
        ("unknown_source", "Requests from addresses that no trunk has", |counters| &counters.unknown_source),
        ("retransmissions", "Requests that had been had before", |counters| &counters.retransmissions),
        ("stray_responses", "Responses that match nothing", |counters| &counters.stray_responses),
        ("stray_acks", "ACKs that match nothing", |counters| &counters.stray_acks),
        ("judged", "Calls judged", |counters| &counters.judged),
        ("blocked", "Calls that a rule declined, redirected or dropped", |counters| &counters.blocked),
        ("forwarded", "Requests forwarded with a transaction", |counters| &counters.forwarded),
        ("failovers", "Calls sent on to a further target", |counters| &counters.failovers),
        ("unavailable", "Final answers for want of a working next hop", |counters| &counters.unavailable),
        ("calls_opened", "Calls answered and opened", |counters| &counters.calls_opened),
        ("calls_closed", "Calls closed", |counters| &counters.calls_closed),
        ("unacknowledged", "Final responses that nobody acknowledged", |counters| &counters.unacknowledged),
    ];
    let full = sum(|counters| &counters.unresolved_full);
    let malformed = Malformed::ALL.iter().enumerate().map(|(at, reason)| {
        let count = shards.iter().map(|shard| shard.malformed[at].get()).sum();
        sample("reason", &snake_case(&format!("{reason:?}")), count)
    });
    let malformed = MetricFamily {
        name: "ringfence_malformed".into(),
        help: "Bytes that are no message".into(),
        kind: MetricKind::Counter,
        samples: malformed.collect(),
    };
    let named = named.map(|(name, help, of)| family(name, help, MetricKind::Counter, sum(of)));
    let full = family(
        "unresolved_full",
        "Requests dropped because too much waited for a name or an address",
        MetricKind::Counter,
        full,
    );
    named.into_iter().chain([full, malformed])
}

fn net(net: &NetCounters) -> impl Iterator<Item = MetricFamily> + use<> {
    let named = [
        ("udp_received", "Datagrams taken from UDP sockets", &net.udp_received),
        ("udp_sent", "Datagrams given to the kernel", &net.udp_sent),
        ("udp_truncated", "Datagrams that the kernel cut to the buffer", &net.udp_truncated),
        ("udp_keep_alives", "Datagrams that keep an address translation alive", &net.udp_keep_alives),
        ("udp_runts", "Datagrams too short for any message", &net.udp_runts),
        ("udp_receive_errors", "Receive calls that the kernel refused", &net.udp_receive_errors),
        ("udp_send_errors", "Datagrams that the kernel refused to send", &net.udp_send_errors),
        ("udp_send_full", "Datagrams dropped because the send buffer stayed full", &net.udp_send_full),
        ("handed_over", "Messages handed to another shard", &net.handed_over),
        ("queue_full", "Inputs dropped because the queue of a shard was full", &net.queue_full),
        ("streams_accepted", "Connections accepted", &net.streams_accepted),
        ("streams_connected", "Connections made", &net.streams_connected),
        ("streams_connect_failed", "Connections that could not be made", &net.streams_connect_failed),
        ("streams_refused", "Connections refused because there were too many", &net.streams_refused),
        ("streams_accept_errors", "Accepts that failed", &net.streams_accept_errors),
        ("streams_closed", "Connections ended", &net.streams_closed),
        ("streams_broken", "Connections whose bytes cannot be divided into messages", &net.streams_broken),
        ("streams_timed_out", "Connections on which nothing whole came in time", &net.streams_timed_out),
        ("stream_received", "Messages read from connections", &net.stream_received),
        ("stream_sent", "Messages written to connections", &net.stream_sent),
        ("stream_send_failed", "Messages that could not be written to a connection", &net.stream_send_failed),
        ("stream_send_full", "Messages dropped because the queue of a connection was full", &net.stream_send_full),
        ("resolves", "Names and addresses asked for", &net.resolves),
        ("resolves_failed", "Names and addresses without a hop", &net.resolves_failed),
    ];
    named.map(|(name, help, value)| counter(name, help, value)).into_iter()
}

/// `TooLong` as labels are written: `too_long`.
fn snake_case(name: &str) -> String {
    let mut label = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !label.is_empty() {
            label.push('_');
        }
        label.push(letter.to_ascii_lowercase());
    }
    label
}

fn counter(name: &str, help: &str, value: &Counter) -> MetricFamily {
    family(name, help, MetricKind::Counter, value.get())
}

fn gauge(name: &str, help: &str, value: u64) -> MetricFamily {
    family(name, help, MetricKind::Gauge, value)
}

fn family(name: &str, help: &str, kind: MetricKind, value: u64) -> MetricFamily {
    let samples = vec![MetricSample { labels: Vec::new(), value }];
    MetricFamily { name: format!("ringfence_{name}"), help: help.to_owned(), kind, samples }
}

fn sample(label: &'static str, of: &str, value: u64) -> MetricSample {
    MetricSample { labels: vec![(label, of.to_owned())], value }
}
