//! One agent's side of a dialog: the requests that it sends in it, and what it expects of those that come.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;
use ringfence::sip::{HeaderName, Method, NameAddr, Request, Response, Uri};

use super::client::Client;
use super::{Agent, ClientKey, LegKey, Out, Step, T2, Timer, text, untagged};

#[derive(Debug)]
pub(super) struct Leg {
    pub(super) plan: usize,
    pub(super) is_caller: bool,
    pub(super) local: String,
    pub(super) remote: String,
    pub(super) contact: String,
    pub(super) route_set: Vec<String>,
    pub(super) target: String,
    /// Of the last request that we sent, and of the last that came.
    pub(super) cseq: u32,
    pub(super) remote_cseq: u32,
    pub(super) acks: BTreeMap<u32, (Bytes, SocketAddr)>,
    /// 2xx to be repeated until its ACK comes, by CSeq.
    pub(super) unacknowledged: BTreeMap<u32, (Bytes, SocketAddr, u16)>,
    pub(super) confirmed: bool,
    pub(super) ended: bool,
}

impl Leg {
    pub(super) fn of_callee(request: &Request, plan: usize, contact: String, keeps: bool) -> Leg {
        let headers = request.headers();
        let route_set = headers.values(HeaderName::RecordRoute).filter(|_| keeps).map(text).collect();
        let target = headers.values(HeaderName::Contact).next().expect("a Contact");
        Leg {
            plan,
            is_caller: false,
            local: untagged(headers.slice(request.to_span())),
            remote: untagged(headers.slice(request.from_span())),
            contact,
            route_set,
            target: text(NameAddr::parse(target).expect("an address").uri),
            cseq: 100,
            remote_cseq: request.cseq(),
            acks: BTreeMap::new(),
            unacknowledged: BTreeMap::new(),
            confirmed: false,
            ended: false,
        }
    }

    /// The caller's, from a response to its INVITE.
    pub(super) fn of_caller(client: &Client, response: &Response, contact: String, keeps: bool) -> Leg {
        let routes = response.headers().values(HeaderName::RecordRoute).filter(|_| keeps);
        let mut route_set: Vec<String> = routes.map(text).collect();
        route_set.reverse();
        Leg {
            plan: client.plan,
            is_caller: true,
            local: client.from.clone(),
            remote: client.to_header.clone(),
            contact,
            route_set,
            target: contact_of(response),
            cseq: client.cseq,
            remote_cseq: 0,
            acks: BTreeMap::new(),
            unacknowledged: BTreeMap::new(),
            confirmed: false,
            ended: false,
        }
    }

    pub(super) fn next_hop(&self, proxy: SocketAddr) -> SocketAddr {
        let Some(route) = self.route_set.first() else { return proxy };
        let address = NameAddr::parse(route.as_bytes()).expect("an address");
        let uri = Uri::parse(address.uri).expect("a URI");
        let host = text(uri.host).parse().expect("an address in Record-Route");
        SocketAddr::new(host, uri.port.unwrap_or(5060))
    }

    /// A request inside the dialog must be for our Contact and name the two as we know them.
    pub(super) fn check_request(&self, request: &Request) -> Option<String> {
        let headers = request.headers();
        let (from, to) = (untagged(headers.slice(request.from_span())), untagged(headers.slice(request.to_span())));
        if request.uri_bytes() != self.contact.as_bytes() {
            return Some(format!("the Request-URI is {}, not {}", text(request.uri_bytes()), self.contact));
        }
        if from != self.remote {
            return Some(format!("From is {from}, not {}", self.remote));
        }
        if to != self.local {
            return Some(format!("To is {to}, not {}", self.local));
        }
        let method = request.method();
        let routed = headers.named(HeaderName::Route).next().is_some();
        (routed && method != Method::Cancel).then(|| "a Route is left".to_owned())
    }
}

impl Agent {
    /// A request inside a dialog: sent to the first Route, or where the dialog's messages came from.
    fn request(&mut self, step: &mut Step<'_>, key: &LegKey, method: &'static str, port: u16) -> (ClientKey, Client) {
        let vias = usize::from(port != self.port);
        let (branch, via_lines) = self.via(port, true, vias);
        let proxy = self.proxy;
        let leg = self.legs.get_mut(key).expect("a leg");
        let plan = &step.plans[leg.plan];
        let side = if leg.is_caller { &plan.caller_side } else { &plan.callee_side };
        // An INVITE with the number of another would be acknowledged with the other's ACK.
        leg.cseq += u32::from(!side.stale_cseq || method == "INVITE");
        let body = if method == "INFO" { "\u{0}\u{1}isup\r\n\r\nREFER x" } else { "" };
        let mut head = format!("{method} {} SIP/2.0\r\n{via_lines}Max-Forwards: 69\r\n", leg.target);
        head += &routes(&leg.route_set, step.rng);
        head += &format!("From: {};tag={}\r\nTo: {};tag={}\r\n", leg.local, key.local_tag, leg.remote, key.remote_tag);
        if leg.is_caller {
            head += &plan.extra;
        }
        head += &format!("Call-ID: {}\r\nCSeq: {} {method}\r\n", key.call_id, leg.cseq);
        if matches!(method, "INVITE" | "UPDATE") {
            head += &format!("Contact: <{}>\r\n", leg.contact);
        }
        head += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let client = Client {
            bytes: Bytes::from(head),
            to: leg.next_hop(proxy),
            port,
            call_id: key.call_id.clone(),
            local_tag: key.local_tag.clone(),
            leg: Some(key.clone()),
            epoch: step.epoch,
            provisional: false,
            finished: None,
            wants_cancel: false,
            vias: vias + 1,
            from: leg.local.clone(),
            to_header: leg.remote.clone(),
            request_uri: leg.target.clone(),
            cseq: leg.cseq,
            plan: leg.plan,
        };
        ((branch, method), client)
    }

    pub(super) fn in_dialog(&mut self, step: &mut Step<'_>, key: &LegKey, method: &'static str) {
        if self.legs.get(key).is_none_or(|leg| leg.ended || !leg.confirmed) {
            return;
        }
        let (key, client) = self.request(step, key, method, self.port);
        self.open(step, key, client);
    }

    pub(super) fn hang_up(&mut self, step: &mut Step<'_>, key: &LegKey) {
        let Some(leg) = self.legs.get_mut(key).filter(|leg| !leg.ended) else { return };
        leg.ended = true;
        leg.unacknowledged.clear();
        let plan = &step.plans[leg.plan];
        let side = if leg.is_caller { &plan.caller_side } else { &plan.callee_side };
        let port = if side.bye_from_new_port && self.is_udp() { 30_000 + self.port % 1_000 } else { self.port };
        if !self.ports.contains(&port) {
            self.ports.push(port);
        }
        let (key, client) = self.request(step, key, "BYE", port);
        self.open(step, key, client);
    }

    pub(super) fn retransmit_2xx(
        &mut self,
        step: &mut Step<'_>,
        key: LegKey,
        cseq: u32,
        interval: Duration,
        left: Duration,
    ) {
        let Some(leg) = self.legs.get(&key) else { return };
        let Some((bytes, to, port)) = leg.unacknowledged.get(&cseq).cloned() else { return };
        if left.is_zero() {
            // RFC 3261 section 13.3.1.4: a dialog without ACK is ended.
            return self.hang_up(step, &key);
        }
        step.out.push(Out::Send { port, to, bytes });
        let next = (interval * 2).min(T2);
        step.wake(next, Timer::Retransmit2xx(key, cseq, next, left.saturating_sub(next)));
    }
}

/// The URI of a response's Contact.
pub(super) fn contact_of(response: &Response) -> String {
    let contact = response.headers().values(HeaderName::Contact).next().expect("a Contact");
    text(NameAddr::parse(contact).expect("an address").uri)
}

/// Route lines, one value in each or all in one.
pub(super) fn routes(set: &[String], rng: &mut StdRng) -> String {
    if set.is_empty() {
        return String::new();
    }
    if rng.random_bool(0.5) {
        return format!("Route: {}\r\n", set.join(", "));
    }
    set.iter().map(|route| format!("Route: {route}\r\n")).collect()
}
