use super::*;
use client_core::ids::{BrokerId, ConnectionId};

fn connection(generation: u32) -> Connection {
    Connection::new(0, ConnectionId { broker: BrokerId(1), generation })
}

/// An open link over a network with this chunking.
fn open(chunking: Chunking) -> (Network, LinkId, Instant) {
    let setup = NetworkSetup { delay_micros_min: 1_000, delay_micros_max: 5_000, chunking };
    let mut network = Network::new(setup, 7);
    let link = network.connect(Instant::ZERO, connection(1), Some(1), true);
    let now = network.next_at(Instant::ZERO).unwrap();
    assert_eq!(network.pop(now), Some(Happening::Opened { link, silent: false }));
    (network, link, now)
}

/// Lets everything happen that happens by itself.
fn drain(network: &mut Network, mut now: Instant) -> Vec<Happening> {
    let mut all = Vec::new();
    while let Some(at) = network.next_at(now) {
        now = at;
        all.extend(network.pop(now));
    }
    all
}

fn delivered(happenings: &[Happening]) -> Vec<u8> {
    happenings
        .iter()
        .filter_map(|happening| match happening {
            Happening::Delivered { bytes, .. } => Some(bytes.to_vec()),
            Happening::Opened { .. }
            | Happening::Failed { .. }
            | Happening::Ended { .. }
            | Happening::Cut { .. } => None,
        })
        .flatten()
        .collect()
}

#[test]
fn every_chunking_delivers_the_same_bytes_in_order() {
    let message: Vec<u8> = (0..=255).collect();
    for chunking in [Chunking::Whole, Chunking::Fixed(1), Chunking::Fixed(7), Chunking::Random] {
        let (mut network, link, now) = open(chunking);
        network.send(now, link, Direction::ToClient, Bytes::from(message.clone()), None);
        network.send(now, link, Direction::ToClient, Bytes::from_static(b"end"), None);
        let got = delivered(&drain(&mut network, now));
        assert_eq!(got, [message.as_slice(), b"end"].concat(), "{chunking:?}");
    }
}

#[test]
fn a_cut_after_n_bytes_delivers_exactly_n() {
    for chunking in [Chunking::Whole, Chunking::Fixed(10), Chunking::Random] {
        for after in 1..=50_u32 {
            let (mut network, link, now) = open(chunking);
            network.apply(&Fault::Cut { node: 1, how: Cut::Reset, after: Some(after) });
            network.send(now, link, Direction::ToClient, Bytes::from(alloc::vec![9; 50]), None);
            let happened = drain(&mut network, now);
            assert_eq!(delivered(&happened).len(), after as usize);
            let lost = if after < 50 {
                alloc::vec![(Direction::ToClient, StreamRange { start: u64::from(after), end: 50 })]
            } else {
                Vec::new()
            };
            assert_eq!(happened.last(), Some(&Happening::Cut { link, end: End::Reset, lost }));
            assert_eq!(network.links(), 0);
        }
    }
}

#[test]
fn a_pause_holds_the_rest_until_it_is_released() {
    let (mut network, link, now) = open(Chunking::Whole);
    network.apply(&Fault::Pause { node: 1, after: 3 });
    network.send(now, link, Direction::ToClient, Bytes::from_static(b"abcdef"), None);
    assert_eq!(delivered(&drain(&mut network, now)), b"abc");
    assert!(network.is_busy());
    network.apply(&Fault::Release(1));
    let later = now + Duration::from_secs(9);
    assert_eq!(network.next_at(later), Some(later), "what waited moves on at once, not in the past");
    assert_eq!(delivered(&drain(&mut network, later)), b"def");
}

#[test]
fn connecting_fails_in_each_way() {
    let setup = NetworkSetup::default();
    let attempt = |fault: Option<Fault>, node, up| {
        let mut network = Network::new(setup, 1);
        fault.iter().for_each(|fault| network.apply(fault));
        let link = network.connect(Instant::ZERO, connection(1), node, up);
        (drain(&mut network, Instant::ZERO), link, network)
    };
    for (fault, node, up, end) in [
        (None, None, true, End::Unreachable),
        (None, Some(1), false, End::Refused),
        (Some(Fault::Refuse(1)), Some(1), true, End::Refused),
        (Some(Fault::Unreachable(1)), Some(1), true, End::Unreachable),
    ] {
        let (happened, link, _) = attempt(fault, node, up);
        assert_eq!(happened, [Happening::Failed { link, end }]);
    }
    let (happened, link, mut network) = attempt(Some(Fault::Silent(1)), Some(1), true);
    assert_eq!(happened, [Happening::Opened { link, silent: true }]);
    network.send(Instant::ZERO, link, Direction::ToBroker, Bytes::from_static(b"hello?"), None);
    assert!(matches!(drain(&mut network, Instant::ZERO)[..], [Happening::Delivered { silent: true, .. }]));

    let (happened, link, mut network) = attempt(Some(Fault::Partition(1)), Some(1), true);
    assert_eq!(happened, [], "no answer at all");
    network.apply(&Fault::HealAll);
    assert_eq!(drain(&mut network, Instant::ZERO), [Happening::Opened { link, silent: false }]);
}

#[test]
fn an_orderly_close_comes_behind_the_bytes_in_front_of_it() {
    let (mut network, link, now) = open(Chunking::Fixed(1));
    network.send(now, link, Direction::ToClient, Bytes::from_static(b"bye"), None);
    assert_eq!(network.close(now, link, Side::Broker), []);
    let happened = drain(&mut network, now);
    assert_eq!(delivered(&happened), b"bye");
    assert_eq!(happened.last(), Some(&Happening::Ended { link, to: Side::Client, end: End::Fin }));
}

#[test]
fn one_request_more_does_not_change_another_links_delays() {
    let setup =
        NetworkSetup { delay_micros_min: 1_000, delay_micros_max: 90_000, chunking: Chunking::Random };
    let run = |extra: bool| {
        let mut network = Network::new(setup, 3);
        let first = network.connect(Instant::ZERO, connection(1), Some(1), true);
        let other = Connection::new(0, ConnectionId { broker: BrokerId(2), generation: 1 });
        let second = network.connect(Instant::ZERO, other, Some(2), true);
        drain(&mut network, Instant::ZERO);
        if extra {
            network.send(Instant::ZERO, first, Direction::ToBroker, Bytes::from(alloc::vec![0; 99]), None);
        }
        network.send(Instant::ZERO, second, Direction::ToBroker, Bytes::from(alloc::vec![1; 99]), None);
        let mut times = Vec::new();
        let mut now = Instant::ZERO;
        while let Some(at) = network.next_at(now) {
            now = at;
            if let Some(Happening::Delivered { link, range, .. }) = network.pop(now)
                && link == second
            {
                times.push((at, range));
            }
        }
        times
    };
    assert_eq!(run(false), run(true));
}
