//! The rules for everything but Data.

use core::mem;
use std::collections::VecDeque;
use std::time::Instant;

use rand::TryCryptoRng;

use super::fresh::{ClientRekey, ServerRekey};
use super::receiver::ControlType;
use super::rekey::{MAX_RECEIVED, MAX_SENT, Pending, Rekey, SlidingMinute};
use super::{Receiver, Role, Sender};
use crate::crypto::{Cipher, KemKey, X25519Secret, encapsulate};
use crate::error::{Error, Farewell, Misbehaved, Misuse};
use crate::record::{Opener, RecordType, Sealer};
use crate::schedule::{Agreed, Generation};
use crate::wire::rekey::{RekeyInit, RekeyReply};

/// Pings that may be out, and Pongs that may be owed.
const MAX_PINGS: usize = 8;

/// What a control record brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that the application needs to know.
    Nothing,
    /// The peer sends no more Data.
    Closed,
    /// The answer to a Ping.
    Pong([u8; 8]),
}

/// A control record that waits to be sealed.
#[derive(Debug)]
enum Due {
    Ping([u8; 8]),
    Pong([u8; 8]),
    RekeyAsk,
    RekeyInit,
    RekeyReply(Vec<u8>, Box<Sealer>),
    RekeyDone(Box<Sealer>),
}

/// What the two halves of a connection owe each other and the peer.
#[derive(Debug)]
pub struct Control {
    role: Role,
    cipher: Cipher,
    hybrid: bool,
    generation: Generation,
    rekey: Rekey,
    inits: SlidingMinute,
    due: VecDeque<Due>,
    pongs_owed: usize,
    pings_out: VecDeque<[u8; 8]>,
    sent_close: bool,
    got_close: bool,
}

impl Control {
    pub(super) fn new(role: Role, cipher: Cipher, hybrid: bool, generation: Generation) -> Self {
        Self {
            role,
            cipher,
            hybrid,
            generation,
            rekey: Rekey::Idle,
            inits: SlidingMinute::default(),
            due: VecDeque::new(),
            pongs_owed: 0,
            pings_out: VecDeque::new(),
            sent_close: false,
            got_close: false,
        }
    }

    /// Which side this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Whether something waits for [`Self::transmit`].
    #[must_use]
    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Whether a rekey was begun or asked for and is not done.
    #[must_use]
    pub const fn is_rekeying(&self) -> bool {
        !matches!(self.rekey, Rekey::Idle)
    }

    /// Whether both sides have sent Close: the connection is over, further bytes are ignored.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.sent_close && self.got_close
    }

    /// Notes that this side's Close was sealed.
    pub fn closed(&mut self) {
        self.sent_close = true;
        self.drop_if_over();
    }

    /// Whether this side's Close was sealed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.sent_close
    }

    fn drop_if_over(&mut self) {
        if self.is_over() {
            self.rekey = Rekey::Idle;
            self.due.clear();
        }
    }

    /// Takes a control record.
    ///
    /// # Errors
    ///
    /// The peer broke the protocol, or ended the connection ([`Error::Ended`]).
    pub fn receive<R: TryCryptoRng>(
        &mut self,
        receiver: &mut Receiver,
        ControlType(kind): ControlType,
        content: &[u8],
        now: Instant,
        rng: &mut R,
    ) -> Result<Outcome, Error> {
        match kind {
            RecordType::Close => {
                empty(content, "Close")?;
                receiver.close()?;
                self.got_close = true;
                self.drop_if_over();
                return Ok(Outcome::Closed);
            }
            RecordType::Error => {
                return Err(Farewell::decode(content)
                    .map_or_else(|cause| Error::malformed("Error", cause), Error::Ended));
            }
            RecordType::Ping => {
                if self.pongs_owed >= MAX_PINGS {
                    return Err(Error::Misbehaved(Misbehaved::Ping(
                        "it sent a Ping while 8 Pongs were still owed to it",
                    )));
                }
                self.pongs_owed = self.pongs_owed.saturating_add(1);
                self.due.push_back(Due::Pong(payload(content, "Ping")?));
            }
            RecordType::Pong => {
                let payload = payload(content, "Pong")?;
                if self.pings_out.pop_front() != Some(payload) {
                    return Err(Error::Misbehaved(Misbehaved::Ping(
                        "its Pong does not answer the oldest Ping",
                    )));
                }
                return Ok(Outcome::Pong(payload));
            }
            RecordType::RekeyAsk => {
                empty(content, "RekeyAsk")?;
                self.asked(now, rng)?;
            }
            RecordType::RekeyInit => self.init(content, now, rng)?,
            RecordType::RekeyReply => self.reply(receiver, content)?,
            RecordType::RekeyDone => {
                empty(content, "RekeyDone")?;
                self.done(receiver)?;
            }
            RecordType::Later(_) => {}
            RecordType::Auth | RecordType::Data | RecordType::Unknown(_) => {
                return Err(Error::Misbehaved(Misbehaved::Unexpected {
                    got: kind.name(),
                    state: "established",
                }));
            }
        }
        Ok(Outcome::Nothing)
    }

    /// Seals what is due behind `out`.
    ///
    /// # Errors
    ///
    /// The key in use is worn out.
    pub fn transmit(&mut self, sender: &mut Sender, out: &mut Vec<u8>) -> Result<(), Error> {
        while let Some(due) = self.due.pop_front() {
            match due {
                Due::Ping(payload) => sender.control(RecordType::Ping, &payload, out)?,
                Due::Pong(payload) => {
                    sender.control(RecordType::Pong, &payload, out)?;
                    self.pongs_owed = self.pongs_owed.saturating_sub(1);
                }
                Due::RekeyAsk => sender.control(RecordType::RekeyAsk, &[], out)?,
                Due::RekeyInit => {
                    if let Rekey::InitSent(pending) = &self.rekey {
                        sender.control(RecordType::RekeyInit, &pending.init, out)?;
                    }
                }
                Due::RekeyReply(content, next) => {
                    sender.control(RecordType::RekeyReply, &content, out)?;
                    sender.switch(*next);
                    if let Rekey::Replying(opener) = mem::replace(&mut self.rekey, Rekey::Idle) {
                        self.rekey = Rekey::ReplySent(opener);
                    }
                }
                Due::RekeyDone(next) => {
                    sender.control(RecordType::RekeyDone, &[], out)?;
                    sender.switch(*next);
                    self.rekey = Rekey::Idle;
                }
            }
        }
        Ok(())
    }

    /// Queues a Ping.
    ///
    /// # Errors
    ///
    /// Eight are out already.
    pub fn ping(&mut self, payload: [u8; 8]) -> Result<(), Error> {
        if self.pings_out.len() >= MAX_PINGS {
            return Err(Error::Misuse(Misuse::Setting("8 Pings are out without an answer")));
        }
        self.pings_out.push_back(payload);
        self.due.push_back(Due::Ping(payload));
        Ok(())
    }

    /// Begins a rekey (client) or asks for one (server); does nothing while one is under way, when
    /// the connection is over, or, at a client, when 60 were begun in the last minute.
    ///
    /// # Errors
    ///
    /// Randomness failed.
    pub fn rekey<R: TryCryptoRng>(&mut self, now: Instant, rng: &mut R) -> Result<(), Error> {
        self.begin(now, rng, MAX_SENT)
    }

    /// The same when the key in use has no room for Data: the 60 a minute are no bar then.
    ///
    /// # Errors
    ///
    /// Randomness failed.
    pub fn rekey_now<R: TryCryptoRng>(&mut self, now: Instant, rng: &mut R) -> Result<(), Error> {
        self.begin(now, rng, MAX_RECEIVED)
    }

    fn begin<R: TryCryptoRng>(
        &mut self,
        now: Instant,
        rng: &mut R,
        max: usize,
    ) -> Result<(), Error> {
        if !matches!(self.rekey, Rekey::Idle) || self.is_over() {
            return Ok(());
        }
        if self.role == Role::Server {
            self.rekey = Rekey::Asked;
            self.due.push_back(Due::RekeyAsk);
            return Ok(());
        }
        if !self.inits.note(now, max) {
            return Ok(());
        }
        let fresh = ClientRekey::draw(self.hybrid, rng)
            .map_err(|_| Error::Internal("the system's randomness failed"))?;
        let x25519 = X25519Secret::from_bytes(fresh.x25519);
        let kem = fresh.kem.as_ref().map(KemKey::generate);
        let mut init = Vec::new();
        RekeyInit { x25519: &x25519.public(), mlkem: kem.as_ref().map(KemKey::encapsulation_key) }
            .encode(&mut init)?;
        self.rekey = Rekey::InitSent(Box::new(Pending { x25519, kem, init }));
        self.due.push_back(Due::RekeyInit);
        Ok(())
    }

    /// Client: the server asks for new keys. A rekey under way answers it.
    fn asked<R: TryCryptoRng>(&mut self, now: Instant, rng: &mut R) -> Result<(), Error> {
        if self.role == Role::Server {
            return rekey_fault("RekeyAsk came from the client");
        }
        // an answer is due whatever was begun before: the server keeps count, too
        self.begin(now, rng, MAX_RECEIVED)
    }

    /// Server: the client's share came.
    fn init<R: TryCryptoRng>(
        &mut self,
        content: &[u8],
        now: Instant,
        rng: &mut R,
    ) -> Result<(), Error> {
        if self.role == Role::Client {
            return rekey_fault("RekeyInit came from the server");
        }
        if !matches!(self.rekey, Rekey::Idle | Rekey::Asked) {
            return rekey_fault("RekeyInit came before the last rekey was done");
        }
        if !self.inits.note(now, MAX_RECEIVED) {
            return Err(Error::Misbehaved(Misbehaved::TooMany("rekeys in a minute")));
        }
        let init =
            RekeyInit::decode(content).map_err(|cause| Error::malformed("RekeyInit", cause))?;
        if init.mlkem.is_some() != self.hybrid {
            return rekey_fault(OTHER_EXCHANGE);
        }
        let fresh = ServerRekey::draw(self.hybrid, rng)
            .map_err(|_| Error::Internal("the system's randomness failed"))?;
        let x25519 = X25519Secret::from_bytes(fresh.x25519);
        let agreed = x25519.agree(init.x25519).map_err(|_| UNUSABLE)?;
        let (ciphertext, mlkem) = match (init.mlkem, &fresh.kem) {
            (Some(key), Some(m)) => {
                let (ciphertext, secret) = encapsulate(key, m).map_err(|_| UNUSABLE)?;
                (Some(ciphertext), Some(secret))
            }
            _ => (None, None),
        };
        let mut reply = Vec::new();
        RekeyReply { x25519: &x25519.public(), mlkem: ciphertext.as_ref() }.encode(&mut reply)?;
        let next = self.generation.next(&Agreed { mlkem, x25519: agreed }, content, &reply)?;
        let traffic = next.traffic()?;
        let sealer = Sealer::new(self.cipher, &traffic.server()?)?;
        self.rekey = Rekey::Replying(Box::new(Opener::new(self.cipher, &traffic.client()?)?));
        // the client came first: what still waited to be asked is answered
        self.due.retain(|due| !matches!(due, Due::RekeyAsk));
        self.due.push_back(Due::RekeyReply(reply, Box::new(sealer)));
        self.generation = next;
        Ok(())
    }

    /// Client: the server's share came. All that follows from it is under the next key.
    fn reply(&mut self, receiver: &mut Receiver, content: &[u8]) -> Result<(), Error> {
        let out_of_turn = "RekeyReply came without a RekeyInit before it";
        let pending = match mem::replace(&mut self.rekey, Rekey::Idle) {
            // a RekeyInit that was not sent cannot have been answered
            Rekey::InitSent(pending) if !self.init_is_due() => pending,
            _ => return rekey_fault(out_of_turn),
        };
        let reply =
            RekeyReply::decode(content).map_err(|cause| Error::malformed("RekeyReply", cause))?;
        let mlkem = match (&pending.kem, reply.mlkem) {
            (Some(kem), Some(ciphertext)) => {
                Some(kem.decapsulate(ciphertext).map_err(|_| UNUSABLE)?)
            }
            (None, None) => None,
            _ => return rekey_fault(OTHER_EXCHANGE),
        };
        let x25519 = pending.x25519.agree(reply.x25519).map_err(|_| UNUSABLE)?;
        let next = self.generation.next(&Agreed { mlkem, x25519 }, &pending.init, content)?;
        let traffic = next.traffic()?;
        receiver.switch(Opener::new(self.cipher, &traffic.server()?)?);
        let sealer = Sealer::new(self.cipher, &traffic.client()?)?;
        // ahead of all else that is due: RekeyDone is the next record
        self.due.push_front(Due::RekeyDone(Box::new(sealer)));
        self.rekey = Rekey::Finishing;
        self.generation = next;
        Ok(())
    }

    fn init_is_due(&self) -> bool {
        self.due.iter().any(|due| matches!(due, Due::RekeyInit))
    }

    /// Server: all that follows from the client is under the next key.
    fn done(&mut self, receiver: &mut Receiver) -> Result<(), Error> {
        match mem::replace(&mut self.rekey, Rekey::Idle) {
            Rekey::ReplySent(next) => {
                receiver.switch(*next);
                Ok(())
            }
            _ => rekey_fault("RekeyDone came out of turn"),
        }
    }

    /// How many rekeys were begun here, or by the client, in the last minute.
    #[cfg(all(test, any(feature = "tokio", feature = "blocking")))]
    pub(crate) fn inits(&self) -> usize {
        self.inits.len()
    }

    /// Where a rekey stands, by its name.
    #[cfg(test)]
    pub(crate) fn rekey_state(&self) -> String {
        format!("{:?}", self.rekey)
    }

    #[cfg(test)]
    pub(super) const fn generation(&self) -> &Generation {
        &self.generation
    }
}

const UNUSABLE: Error = Error::Misbehaved(Misbehaved::KeyShare);
const OTHER_EXCHANGE: &str = "it uses ML-KEM where the hellos did not, or the other way round";

const fn rekey_fault<T>(fault: &'static str) -> Result<T, Error> {
    Err(Error::Misbehaved(Misbehaved::Rekey(fault)))
}

fn payload(content: &[u8], message: &'static str) -> Result<[u8; 8], Error> {
    use crate::error::Malformed;
    content.try_into().map_err(|_| Error::malformed(message, Malformed::Value("the content")))
}

fn empty(content: &[u8], message: &'static str) -> Result<(), Error> {
    use crate::error::Malformed;
    if content.is_empty() {
        Ok(())
    } else {
        Err(Error::malformed(message, Malformed::Leftover("the type")))
    }
}
