//! All counters under their names.

mod calls;
pub(super) mod campaigns;
pub(super) mod lists;
pub(super) mod pools;
mod quality;
mod rules;
mod trunks;

pub(super) use calls::rule_calls;

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::live::{Live, wall_time};
use crate::admin::{MetricFamily, MetricHistogram, MetricKind, MetricSample};
use crate::counters::{
    Counter, EngineCounters, HandshakeCounters, HandshakeFailure, HistogramValues, Level, LookupOutcome, NetCounters,
    Tally,
};
use crate::net::NetGauges;
use crate::sip::Malformed;

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let world = live.worlds.load();
    let records = &live.counts.records;
    let mut families = vec![
        labelled(
            "build_info",
            "The version that runs",
            MetricKind::Gauge,
            [(vec![("version", VERSION.to_owned())], 1)],
        ),
        gauge("uptime_seconds", "Seconds since the start", live.counts.started.0.elapsed().as_secs()),
        gauge("generation", "Edits and reloads since the first start", world.generation),
        gauge("calls_live", "Calls that are up", live.usage.live() as u64),
        counter("reloads", "Reloads that succeeded", &live.counts.reloads),
        counter("reloads_failed", "Reloads that changed nothing", &live.counts.reloads_failed),
        counter("edits", "Edits made, imported entries included", &live.counts.edits),
        counter("folds", "Times that edits were folded into the bases of lists", &live.counts.folds),
        gauge("records_queue_chunks", "Chunks of record lines that wait to be written", records.queued.get()),
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
    ];
    families.extend(lists::families(&world, &live.read(), wall_time()));
    families.push(pools::family(&world, &live.usage, wall_time()));
    let sip = &live.counts.sip;
    families.extend(trunks::families(&world, &live.usage, &sip.reach, &sip.engines));
    families.push(rules::modes(&world));
    families.extend(calls::families(&sip.engines));
    families.extend(campaigns::families(&sip.engines));
    families.extend(quality::families(&sip.engines));
    families.extend(engines(&sip.engines));
    families.extend(overload(&sip.engines, &sip.net));
    families.extend(levels(&sip.engines));
    families.extend(net(&sip.net));
    families.extend(sip.gauges.iter().flat_map(gauges));
    let decision =
        "Time that deciding on a call takes, sockets excluded; the first call is timed and each eighth after it";
    families.push(histogram("decision_seconds", decision, &sip.net.decision.values(), DECISION));
    let enforcement = "Time from an edit's arrival at the admin port until it decides calls";
    families.push(histogram("edit_enforcement_seconds", enforcement, &live.counts.enforcement.values(), ENFORCEMENT));
    families
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// From 1 µs to 50 ms, when something else had the processor.
const DECISION: RangeInclusive<u64> = 1_000..=50_000_000;

/// From 100 µs to 20 s: most of it is the disk's.
const ENFORCEMENT: RangeInclusive<u64> = 100_000..=20_000_000_000;

type Field = fn(&EngineCounters) -> &Tally;

fn engines(shards: &[Arc<EngineCounters>]) -> impl Iterator<Item = MetricFamily> {
    let sum = |of: Field| shards.iter().map(|shard| of(shard).get()).sum();
    let named: [(&str, &str, Field); 13] = [
        ("requests", "Requests that came in, with retransmissions and malformed ones", |counters| &counters.requests),
        ("responses", "Responses that came in", |counters| &counters.responses),
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

/// What was refused before or in an engine, and what strangers sent.
fn overload(shards: &[Arc<EngineCounters>], net: &NetCounters) -> [MetricFamily; 2] {
    let sum = |of: Field| shards.iter().map(|shard| of(shard).get()).sum::<u64>();
    let strangers = sum(|counters| &counters.unknown_source) + net.overload_strangers.get();
    let refused = MetricFamily {
        name: "ringfence_overload_refused".into(),
        help: "Calls of trunks refused because there were too many, by their answer; unread ones got none either"
            .into(),
        kind: MetricKind::Counter,
        samples: vec![
            sample("answer", "503", sum(|counters| &counters.overload_answered)),
            sample("answer", "none", sum(|counters| &counters.overload_unanswered)),
            sample("answer", "unread", net.overload_unread.get()),
        ],
    };
    [refused, family("unknown_source", "Requests from addresses that no trunk has", MetricKind::Counter, strangers)]
}

/// What the engines hold.
fn levels(shards: &[Arc<EngineCounters>]) -> [MetricFamily; 6] {
    let sum = |of: fn(&EngineCounters) -> &Level| shards.iter().map(|shard| of(shard).get()).sum();
    let transactions = MetricFamily {
        name: "ringfence_transactions".into(),
        help: "Transactions under way or lingering".into(),
        kind: MetricKind::Gauge,
        samples: vec![
            sample("side", "server", sum(|counters| &counters.server_transactions)),
            sample("side", "client", sum(|counters| &counters.client_transactions)),
        ],
    };
    let resent = sum(|counters| &counters.resent);
    [
        transactions,
        gauge("answers_remembered", "Answers kept for retransmissions", sum(|counters| &counters.remembered)),
        gauge("requests_waiting", "Requests that wait for a name or an address", sum(|counters| &counters.waiting)),
        gauge(
            "requests_unanswered",
            "Requests sent on that have no final response",
            sum(|counters| &counters.unanswered),
        ),
        gauge(
            "shards_draining",
            "Shards that refuse new calls: the process is to end",
            sum(|counters| &counters.draining),
        ),
        family("retransmissions_sent", "Messages that a timer sent again", MetricKind::Counter, resent),
    ]
}

/// What waits for the shards, in their mailboxes and in the kernel.
fn gauges(gauges: &NetGauges) -> Vec<MetricFamily> {
    let shard = |shard: usize| ("shard", shard.to_string());
    let queues = gauges.queues().into_iter().enumerate().map(|(at, length)| (vec![shard(at)], length as u64));
    let mut families =
        vec![labelled("shard_queue_length", "Inputs that wait in a shard's mailbox", MetricKind::Gauge, queues)];
    // Without /proc there is nothing to tell.
    if let Ok(sockets) = gauges.udp_sockets() {
        let each = |value: fn(&crate::net::UdpSocketState) -> u64| {
            let of_socket = move |socket: &crate::net::UdpSocketState| {
                (vec![("listen", socket.local.to_string()), shard(socket.shard)], value(socket))
            };
            sockets.iter().map(of_socket).collect::<Vec<_>>()
        };
        families.push(labelled(
            "udp_receive_drops",
            "Datagrams that the kernel dropped because a socket was full",
            MetricKind::Counter,
            each(|socket| socket.drops),
        ));
        families.push(labelled(
            "udp_receive_queue_bytes",
            "What waits in a socket's receive buffer",
            MetricKind::Gauge,
            each(|socket| socket.queued),
        ));
    }
    families
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
    let lookups =
        LookupOutcome::ALL.map(|outcome| sample("outcome", outcome.label(), net.lookups[outcome as usize].get()));
    let lookups = MetricFamily {
        name: "ringfence_dns_lookups".into(),
        help: "Names looked up in DNS; kept: it failed, and the last good answer is used".into(),
        kind: MetricKind::Counter,
        samples: lookups.into(),
    };
    let others = [lookups, handshakes(net), failed_handshakes(net)];
    named.map(|(name, help, value)| counter(name, help, value)).into_iter().chain(others)
}

fn handshakes(net: &NetCounters) -> MetricFamily {
    let done = sides(net).map(|(side, counters)| (vec![("side", side.to_owned())], counters.done.get()));
    labelled("tls_handshakes", "TLS handshakes that were made", MetricKind::Counter, done)
}

fn failed_handshakes(net: &NetCounters) -> MetricFamily {
    let failed = sides(net).into_iter().flat_map(|(side, counters)| {
        HandshakeFailure::ALL.map(|failure| {
            let labels = vec![("side", side.to_owned()), ("reason", failure.label().to_owned())];
            (labels, counters.failed[failure as usize].get())
        })
    });
    labelled("tls_handshakes_failed", "TLS handshakes that failed", MetricKind::Counter, failed)
}

/// Who began them.
fn sides(net: &NetCounters) -> [(&'static str, &HandshakeCounters); 2] {
    [("peer", &net.tls_accepted), ("us", &net.tls_made)]
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

fn labelled(
    name: &str,
    help: &str,
    kind: MetricKind,
    values: impl IntoIterator<Item = (Vec<(&'static str, String)>, u64)>,
) -> MetricFamily {
    let samples = values.into_iter().map(|(labels, value)| MetricSample { labels, value }).collect();
    MetricFamily { name: format!("ringfence_{name}"), help: help.to_owned(), kind, samples }
}

/// Durations of one kind under a name.
fn histogram(name: &str, help: &str, values: &HistogramValues, shown: RangeInclusive<u64>) -> MetricFamily {
    histograms(name, help, vec![buckets(Vec::new(), values, shown)])
}

/// The same by labels; they are left out where there is nothing.
fn histograms(name: &str, help: &str, each: Vec<MetricHistogram>) -> MetricFamily {
    let kind = MetricKind::Histogram(each);
    MetricFamily { name: format!("ringfence_{name}"), help: help.to_owned(), kind, samples: Vec::new() }
}

/// With buckets at those bounds, in nanoseconds, that lie within `shown`.
fn buckets<const TICK: u64>(
    labels: Vec<(&'static str, String)>,
    values: &HistogramValues<TICK>,
    shown: RangeInclusive<u64>,
) -> MetricHistogram {
    let (mut buckets, mut below) = (Vec::new(), 0);
    for (bound, count) in values.buckets() {
        below += count;
        if shown.contains(&bound) {
            buckets.push((bound as f64 / 1e9, std::mem::take(&mut below)));
        }
    }
    let beyond = values.count() - buckets.iter().map(|(_, count)| count).sum::<u64>();
    buckets.push((f64::INFINITY, beyond));
    MetricHistogram { labels, sum: values.seconds(), buckets }
}

fn sample(label: &'static str, of: &str, value: u64) -> MetricSample {
    MetricSample { labels: vec![(label, of.to_owned())], value }
}
