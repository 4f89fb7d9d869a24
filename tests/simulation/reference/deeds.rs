//! Reads what was done: which request or branch a message belongs to, and whether it is new.

use ringfence::sip::{HeaderName, Message, Request, Response, Via};

use super::requests::tokens;
use super::{Branch, Deed, Key, Reference, Scene, Sent, TRYING, Token, text};

impl Reference {
    /// `came` is the response that the step began with, if it did.
    pub(super) fn classify(&mut self, scene: Scene<'_>, sent: &Sent, came: Option<&Response>) -> Result<Deed, String> {
        match &sent.message {
            Message::Response(response) => self.classify_response(scene, sent, response, came),
            Message::Request(request) => self.classify_request(scene, sent, request),
        }
    }

    fn classify_response(
        &mut self,
        scene: Scene<'_>,
        sent: &Sent,
        response: &Response,
        came: Option<&Response>,
    ) -> Result<Deed, String> {
        let cseq = text(response.headers().first(HeaderName::CSeq).unwrap_or_default());
        let method = cseq.split_ascii_whitespace().last().unwrap_or_default().to_owned();
        let key = Key { branch: text(response.branch()), method };
        let status = response.status();
        let incoming = self.requests.get_mut(&key).ok_or_else(|| format!("a {status} to no request"))?;
        if incoming.agent != sent.agent {
            return Err(format!("a {status} to {}", scene.agents[sent.agent].name));
        }
        // A provisional response and a 2xx are passed on as often as they come, with their tag.
        let passes = came.is_some() && matches!(status, 101..=299);
        if passes && came.is_some_and(|came| came.to_tag() != response.to_tag()) {
            return Err(format!("a {status} with another To tag"));
        }
        let is_last = incoming.last.as_ref() == Some(&sent.bytes);
        let is_first = incoming.last.replace(sent.bytes.clone()).is_none();
        if is_last && !passes {
            return Ok(Deed::Repeat { request: key });
        }
        if is_first && incoming.is_invite() && scene.now > incoming.at + TRYING {
            return Err(format!("nothing before this {status} for {:?}", scene.now - incoming.at));
        }
        if status >= 200 {
            match incoming.answer {
                None => incoming.answer = Some((status, scene.now)),
                Some((200..=299, _)) if status < 300 && incoming.is_invite() => {}
                Some((before, _)) => return Err(format!("a {status} after a {before}")),
            }
            if let Some(ended) = incoming.ends.take() {
                match self.dialogs.get_mut(&ended) {
                    Some(dialog) => dialog.end(scene.now, &incoming.from_tag),
                    // Its 2xx is overtaken by the answer to a BYE.
                    None if status < 300 => {
                        self.over.insert(ended);
                        self.count("a BYE for a call that is not up");
                    }
                    None => {}
                }
            }
        }
        Ok(Deed::Respond { request: key, status })
    }

    fn classify_request(&mut self, scene: Scene<'_>, sent: &Sent, request: &Request) -> Result<Deed, String> {
        let (name, method) = (text(request.branch()), text(request.method_name()));
        if let Some(branch) = self.branches.get_mut(&name) {
            if branch.agent != sent.agent {
                return Err(format!("a {method} to {}, not to its branch's", scene.agents[sent.agent].name));
            }
            return match &*method {
                "ACK" => Ok(Deed::Ack { branch: name }),
                "CANCEL" if branch.cancel.is_none() => {
                    branch.is_cancelled(&sent.bytes, scene.now);
                    Ok(Deed::Cancel { branch: name })
                }
                "CANCEL" if branch.cancel.as_ref() == Some(&sent.bytes) => Ok(Deed::Resend { branch: name }),
                _ if branch.bytes == sent.bytes => Ok(Deed::Resend { branch: name }),
                _ => Err(format!("another {method} with the branch of one")),
            };
        }
        if let Some((agent, bytes, _)) = self.byes.get(&name) {
            let same = *agent == sent.agent && *bytes == sent.bytes;
            return if same { Ok(Deed::Resend { branch: name }) } else { Err("another BYE of ours".to_owned()) };
        }
        let (call_id, tag) = (text(request.call_id()), text(request.to_tag().unwrap_or_default()));
        let Some(key) = cause_of(&sent.message) else {
            return match &*method {
                "ACK" => Ok(Deed::AckLate { call_id, tag }),
                "BYE" => {
                    self.byes.insert(name, (sent.agent, sent.bytes.clone(), scene.now));
                    Ok(Deed::ByeLate { call_id, tag })
                }
                _ => Err(format!("a {method} of our own")),
            };
        };
        if method == "ACK" {
            return Ok(Deed::PassAck { agent: sent.agent });
        }
        let incoming = self.requests.get_mut(&key).ok_or_else(|| format!("a {} that nobody sent", key.method))?;
        incoming.branches.push(name.clone());
        if incoming.judgement.is_some() {
            let token = Token { call_id, caller_tag: incoming.from_tag.clone(), epoch: self.epoch };
            self.tokens.extend(tokens(request).map(|text| (text, token.clone())));
        }
        if let Some(ticket) = sent.ticket {
            self.tickets.insert((scene.shard, ticket), name.clone());
        }
        let branch = Branch::new(key.clone(), sent.agent, sent.bytes.clone(), scene.now);
        self.branches.insert(name, branch);
        Ok(Deed::Forward { request: key, agent: sent.agent })
    }
}

/// The Via below ours is that of the request which causes this one; what we have made ourselves has none.
pub(super) fn cause_of(sent: &Message) -> Option<Key> {
    let Message::Request(request) = sent else { return None };
    let via = Via::parse(request.headers().values(HeaderName::Via).nth(1)?).ok()?;
    Some(Key { branch: text(via.branch()?), method: text(request.method_name()) })
}
