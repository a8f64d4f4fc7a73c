//! How many connections there may be, in total and for one client address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::close::CloseCause;

/// What an overloaded bridge asks clients to wait.
const OVERLOADED_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Counts the sessions that are open.
#[derive(Debug)]
pub(crate) struct Limits {
    total_max: usize,
    per_address_max: usize,
    /// Sessions by client address; an address without sessions has no entry, so the map is as small as the total.
    open: Mutex<BTreeMap<IpAddr, usize>>,
}

/// One open session; dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Slot {
    limits: Arc<Limits>,
    address: IpAddr,
}

impl Limits {
    pub(crate) fn new(total_max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self { total_max, per_address_max, open: Mutex::new(BTreeMap::new()) })
    }

    /// Takes a slot for a client at this address.
    pub(crate) fn take(self: &Arc<Self>, client: IpAddr) -> Result<Slot, CloseCause> {
        let address = counted_as(client);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&address).is_some_and(|count| *count >= self.per_address_max) {
            return Err(CloseCause::ConnectionLimit { limit: self.per_address_max });
        }
        if open.values().sum::<usize>() >= self.total_max {
            return Err(CloseCause::Overloaded {
                limit: self.total_max,
                retry_after: OVERLOADED_RETRY_AFTER,
            });
        }
        *open.entry(address).or_default() += 1;
        Ok(Slot { limits: Arc::clone(self), address })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// One IPv6 host owns a whole /64, so that is what is counted.
fn counted_as(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_per_address_and_in_total() {
        let limits = Limits::new(3, 2);
        let take = |address: &str| limits.take(address.parse().unwrap());
        let first = take("10.0.0.1").unwrap();
        let _second = take("::ffff:10.0.0.1").unwrap();
        assert_eq!(take("10.0.0.1").unwrap_err().code(), 4429);
        let _third = take("2001:db8::1").unwrap();
        assert_eq!(take("2001:db8::2").unwrap_err().code(), 1013);
        drop(first);
        let _fourth = take("2001:db8::2").unwrap();
        assert_eq!(take("2001:db8::3").unwrap_err().code(), 4429);
    }
}
