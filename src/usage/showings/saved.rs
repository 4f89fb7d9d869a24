//! The accounts of numbers as bytes, each of one length.

use std::io::{self, Read, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Account, Rest, Showings, lock};
use crate::time::WallTime;
use crate::usage::saved::{END, read_array, read_number};
use crate::usage::window::Window;

impl Showings {
    pub(in crate::usage) fn write_to(&self, out: &mut impl Write, now: WallTime) -> io::Result<()> {
        let mut bytes = Vec::new();
        for part in self.parts.iter() {
            bytes.clear();
            for (number, account) in lock(part).accounts.iter().filter(|(_, account)| account.matters(now)) {
                bytes.extend_from_slice(&number.get().to_le_bytes());
                account.encode(&mut bytes);
            }
            out.write_all(&bytes)?;
        }
        out.write_all(&END.to_le_bytes())
    }

    pub(in crate::usage) fn read_from(&self, input: &mut impl Read, now: WallTime) -> io::Result<()> {
        while let Some(number) = read_number(input)? {
            let account = Account::decode(input)?;
            if account.matters(now) {
                self.turns.fetch_max(account.turn, Ordering::Relaxed);
                self.part(number).accounts.insert(number, account);
            }
        }
        Ok(())
    }

    /// Another number than before, once a number was shown, refused, answered or released since.
    pub(in crate::usage) fn changes(&self) -> u64 {
        self.turns.load(Ordering::Relaxed).wrapping_add(self.others.load(Ordering::Relaxed))
    }
}

impl Account {
    fn encode(&self, bytes: &mut Vec<u8>) {
        self.hour.encode(bytes);
        self.day.encode(bytes);
        let (since, length) = self.rest.map_or((0, 0), |rest| (rest.since.as_micros(), micros(rest.length)));
        for value in [self.last.map_or(0, WallTime::as_micros), self.turn, since, length] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.extend_from_slice(&self.refusals.to_le_bytes());
    }

    fn decode(input: &mut impl Read) -> io::Result<Account> {
        let (hour, day) = (Window::decode(input)?, Window::decode(input)?);
        let mut value = || read_array(input).map(u64::from_le_bytes);
        let (last, turn, since, length) = (value()?, value()?, value()?, value()?);
        Ok(Account {
            hour,
            day,
            last: (last > 0).then_some(WallTime::from_micros(last)),
            // The next ones are counted on from here.
            turn: turn.min(u64::MAX / 2),
            refusals: u16::from_le_bytes(read_array(input)?),
            rest: (length > 0)
                .then_some(Rest { since: WallTime::from_micros(since), length: Duration::from_micros(length) }),
        })
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
