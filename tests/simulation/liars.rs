//! Peers who are in no call and send into those of others: what they know may be the Call-ID, the tags, the token, or
//! some of it.

use rand::RngExt;
use rand::rngs::StdRng;
use ringfence::flow::Transport;

use crate::agent::{Agent, LIAR};
use crate::reference::Reference;

/// One lie: who tells it, and its bytes. `count` tells it from all others; none while there is no call to lie about.
pub(crate) fn lie(rng: &mut StdRng, reference: &Reference, agents: &[Agent], count: u64) -> Option<(usize, String)> {
    let liars: Vec<usize> = (0..agents.len()).filter(|at| agents[*at].is_liar()).collect();
    let liar = liars[rng.random_range(0..liars.len())];
    let from = &agents[liar];
    let nth = rng.random_range(0..reference.tokens.len().max(1));
    let (text, token) = reference.tokens.iter().nth(nth)?;
    // Who answered, if the liar knows it.
    let mut dialogs = reference.dialogs.keys().filter(|(call_id, ..)| *call_id == token.call_id);
    let callee_tag = dialogs.next().map(|(_, one, other)| if *one == token.caller_tag { other } else { one });
    let callee_tag = callee_tag.map_or("guessed", String::as_str);
    let (caller_tag, call_id) = (&*token.caller_tag, &*token.call_id);
    let target = &agents[rng.random_range(0..agents.len())];
    let transport = if target.transport == Transport::Tcp { ";transport=tcp" } else { "" };
    let branch = format!("{LIAR}-{count}");
    let altered = {
        let mut altered = text.clone().into_bytes();
        let at = rng.random_range(0..altered.len());
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(altered).expect("base64")
    };
    let request = |method: &str, from_tag: &str, to_tag: &str, token: Option<&str>| {
        let route = token.map(|token| format!("Route: <sip:{token}@10.0.0.1:5060;lr>\r\n")).unwrap_or_default();
        let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        format!(
            "{method} sip:anyone@{}:{}{transport} SIP/2.0\r\nVia: SIP/2.0/UDP {}:{};branch={branch}\r\nMax-Forwards: 50\r\n{route}\
             From: <sip:liar@example.net>;tag={from_tag}\r\nTo: <sip:anyone@example.net>{to_tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: 900 {method}\r\nContact: <sip:liar@{}:{}>\r\nContent-Length: 0\r\n\r\n",
            target.ip, target.port, from.ip, from.port, from.ip, from.port
        )
    };
    let bytes = match rng.random_range(0..8) {
        // The token is real, the dialog is not.
        0 => request("INVITE", caller_tag, "invented", Some(text)),
        1 => request("BYE", caller_tag, "invented", Some(text)),
        2 => request("INFO", "invented", caller_tag, Some(text)),
        // Neither tag is the caller's.
        3 => request("BYE", "invented", "also-invented", Some(text)),
        // The dialog is real, the token is not.
        4 => request("BYE", caller_tag, callee_tag, Some(&altered)),
        5 => request("BYE", callee_tag, caller_tag, None),
        6 => request("CANCEL", caller_tag, "", None),
        _ => format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{count:016x}.{:016x}.{:08x}\r\n\
             Via: SIP/2.0/UDP {}:{};branch={branch}\r\nFrom: <sip:liar@example.net>;tag={caller_tag}\r\n\
             To: <sip:anyone@example.net>;tag={callee_tag}\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:liar@{}>\r\nContent-Length: 0\r\n\r\n",
            rng.random::<u64>(),
            rng.random::<u32>(),
            from.ip,
            from.port,
            from.ip
        ),
    };
    Some((liar, bytes))
}
