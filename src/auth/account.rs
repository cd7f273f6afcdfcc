//! How a decision came about, for the server's log.

use std::time::SystemTime;

/// Layers that are named, at most: an application may give an attempt to any number of them.
const MAX_LAYERS: usize = 16;

/// Which layers decided, by what file, and what vouches for the login.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    /// The layer that has the attempt, if it has said so.
    current: Option<&'static str>,
    /// Those that admitted or, once one denied, those that denied.
    layers: Vec<&'static str>,
    source: Option<Source>,
    login_vouched_by: Option<&'static str>,
}

/// The file by which a layer decided.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(any(feature = "tokio", feature = "blocking")),
    expect(dead_code, reason = "streams log it")
)]
pub(crate) struct Source {
    /// Its path, escaped where it holds what does not belong into a message.
    pub(crate) file: String,
    /// The line, counted from 1, if it was one.
    pub(crate) line: Option<usize>,
    /// When it was read, if the layer holds what it said then.
    pub(crate) read: Option<SystemTime>,
}

/// A layer of the application's own.
const APPLICATION: &str = "application";

impl Account {
    /// The account of what no authenticator decided.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams log it")
    )]
    pub(crate) fn of(layer: &'static str) -> Self {
        Self { layers: vec![layer], ..Self::default() }
    }

    /// A layer has the attempt; it admits or denies next.
    pub(super) const fn enter(&mut self, layer: &'static str) {
        self.current = Some(layer);
    }

    /// The layer decides by this file.
    pub(super) fn by(&mut self, source: Source) {
        self.source = Some(source);
    }

    /// The layer that has the attempt, or the application, vouches for the login.
    pub(super) fn vouch_for_login(&mut self) {
        self.login_vouched_by = Some(self.current.unwrap_or(APPLICATION));
    }

    pub(super) fn admit(&mut self) {
        let layer = self.current.take().unwrap_or(APPLICATION);
        if self.layers.len() < MAX_LAYERS {
            self.layers.push(layer);
        }
    }

    /// A layer denies: those that admitted before it, and their files, have not decided.
    pub(super) fn deny(&mut self) {
        // a layer of the application's own has said nothing of a file
        if self.current.is_none() {
            self.source = None;
        }
        self.layers = vec![self.current.take().unwrap_or(APPLICATION)];
    }

    /// Both of two alternatives denied.
    pub(super) fn and_denied(&mut self, first: Self) {
        let second = std::mem::replace(&mut self.layers, first.layers);
        self.layers.extend(second);
        self.layers.truncate(MAX_LAYERS);
        self.source = first.source.or(self.source.take());
    }

    /// The layers, in the order of the stack.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams log it")
    )]
    pub(crate) fn layers(&self) -> String {
        self.layers.join(", ")
    }

    /// The file by which it was decided, if it was one.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams log it")
    )]
    pub(crate) const fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// The layer that vouches for the login.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams log it")
    )]
    pub(crate) const fn login_vouched_by(&self) -> Option<&'static str> {
        self.login_vouched_by
    }
}
