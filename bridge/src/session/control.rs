//! What has to go out between two data frames: at most one ping, one pong and one close.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::close::CloseCause;
use crate::websocket::{ControlPayload, close_frame, ping_frame, pong_frame};

/// The one who decides asks here; the writer, the only one to touch the socket's sending half, takes from here
/// between two frames. Holds at most one of each kind, so a flood of pings costs nothing.
#[derive(Debug, Default)]
pub(super) struct Control {
    pending: Mutex<Pending>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    ping: bool,
    pong: Option<ControlPayload>,
    close: Option<CloseCause>,
}

/// A frame to write now.
pub(super) struct ControlFrame {
    pub(super) bytes: Vec<u8>,
    /// Set on a close frame: what it says. Nothing may follow it.
    pub(super) closes: Option<CloseCause>,
}

impl Control {
    pub(super) fn ask_ping(&self) {
        self.change(|pending| pending.ping = true);
    }

    /// Answers the most recent ping; RFC 6455 section 5.5.3 lets go of older ones.
    pub(super) fn answer(&self, ping: ControlPayload) {
        self.change(|pending| pending.pong = Some(ping));
    }

    /// Ends the session; the first cause wins.
    pub(super) fn close(&self, cause: CloseCause) {
        self.change(|pending| {
            pending.close.get_or_insert(cause);
        });
    }

    /// Whether a ping still waits for the writer.
    pub(super) fn ping_waits(&self) -> bool {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).ping
    }

    /// Returns once something was asked for since the last call.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn take(&self) -> Option<ControlFrame> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cause) = &pending.close {
            return Some(ControlFrame { bytes: close_frame(cause), closes: Some(cause.clone()) });
        }
        let bytes = if let Some(payload) = pending.pong.take() {
            pong_frame(payload.as_slice())
        } else if std::mem::take(&mut pending.ping) {
            ping_frame()
        } else {
            return None;
        };
        Some(ControlFrame { bytes, closes: None })
    }

    fn change(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }
}
