//! Where things stand in the diagram, in pixels. Pure, so that it can be tested without a page.

use crate::model::track::{Side, Track};
use simulator::event::Connection;
use simulator::view::diagram::{Lane, LaneId, Segment};
use std::rc::Rc;

/// The height of a row.
pub(crate) const ROW: f64 = 28.0;
/// The column with numbers and times, left of the lanes.
pub(crate) const GUTTER: f64 = 84.0;
/// How much wider than usual lanes may become.
const WIDEST: f64 = 2.4;
/// How far apart two connections of one lane stand.
const BESIDE: f64 = 14.0;
/// How many rows are drawn at most; earlier ones are left out, and that is said.
pub(crate) const WINDOW: usize = 120;

/// Where lanes and rows are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Geometry {
    centres: Vec<f64>,
    /// Connections which live beside another of their lane: lane, generation, and how far to the right.
    beside: Vec<(usize, u32, f64)>,
    width: f64,
    side: Side,
    track: Rc<Track>,
    /// The first row that is drawn.
    pub(crate) first: usize,
    /// One past the last row that is drawn: the position.
    pub(crate) end: usize,
}

/// How wide a diagram with these lanes likes to be.
pub(crate) fn comfortable_width(lanes: &[Lane]) -> f64 {
    GUTTER + lanes.iter().map(|lane| usual_width(lane.id)).sum::<f64>()
}

impl Geometry {
    /// Spreads the lanes over the width there is; they keep a least width, and then the stage scrolls.
    pub(crate) fn new(lanes: &[Lane], available: f64, side: Side, track: Rc<Track>, position: usize) -> Self {
        let usual: f64 = lanes.iter().map(|lane| usual_width(lane.id)).sum();
        let least: f64 = lanes.iter().map(|lane| least_width(lane.id)).sum();
        let room = (available - GUTTER).max(least);
        // Where room is short, lanes give what they can spare: those of tasks most.
        let spare = if usual > least { ((room - least) / (usual - least)).min(1.0) } else { 1.0 };
        let factor = if usual > 0.0 { (room / usual).clamp(1.0, WIDEST) } else { 1.0 };
        let mut left = GUTTER;
        let centres = lanes
            .iter()
            .map(|lane| {
                let least = least_width(lane.id);
                let width = (usual_width(lane.id) - least).mul_add(spare, least) * factor;
                left += width;
                (left - width / 2.0).round()
            })
            .collect();
        let width = (GUTTER + room).max(left).floor();
        let end = position.min(track.len());
        Self { centres, beside: Vec::new(), width, side, track, first: end.saturating_sub(WINDOW), end }
    }

    /// Knows which connections live beside others of their lane.
    pub(crate) fn with_segments(mut self, segments: &[Segment]) -> Self {
        self.beside = segments
            .iter()
            .filter(|segment| segment.track > 0)
            .map(|segment| (segment.lane, segment.connection.generation(), f64::from(segment.track) * BESIDE))
            .collect();
        self
    }

    /// The middle of a connection's own line in its lane.
    pub(crate) fn x_of(&self, lane: usize, connection: Option<Connection>) -> f64 {
        let beside = connection.and_then(|connection| {
            let own = |(of, generation, _): &&(usize, u32, f64)| {
                (*of, *generation) == (lane, connection.generation())
            };
            self.beside.iter().find(own)
        });
        self.x(lane) + beside.map_or(0.0, |(_, _, shift)| *shift)
    }

    /// The width of the drawing.
    pub(crate) const fn width(&self) -> f64 {
        self.width
    }

    /// The height of the drawing, rows to come included: one screen's worth of them stays empty.
    pub(crate) fn height(&self) -> f64 {
        self.top_of_row(self.end) + ROW
    }

    /// The middle of a lane.
    pub(crate) fn x(&self, lane: usize) -> f64 {
        self.centres.get(lane).copied().unwrap_or(GUTTER)
    }

    /// The row on which an event stands, counted from the top of the run.
    pub(crate) fn row(&self, event: u32) -> usize {
        self.track.row_of(self.side, event as usize)
    }

    /// Whether the row is drawn.
    pub(crate) const fn shows(&self, row: usize) -> bool {
        self.first <= row && row < self.end
    }

    /// The top of a row; rows above the window count as its top edge.
    pub(crate) fn top_of_row(&self, row: usize) -> f64 {
        row.saturating_sub(self.first) as f64 * ROW
    }

    /// The middle of an event's row; above the window its top edge.
    pub(crate) fn y(&self, event: u32) -> f64 {
        let row = self.row(event);
        if row < self.first { 0.0 } else { self.top_of_row(row) + ROW / 2.0 }
    }

    /// The lower edge of what has happened.
    pub(crate) fn now(&self) -> f64 {
        self.top_of_row(self.end)
    }

    /// The track and the side.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, Option<usize>)> + '_ {
        let rows = self.track.rows().iter().enumerate();
        rows.skip(self.first).take(self.end - self.first).map(|(row, both)| (row, both.of(self.side)))
    }
}

const fn usual_width(lane: LaneId) -> f64 {
    match lane {
        LaneId::Task(_) => 52.0,
        LaneId::Client(_) => 100.0,
        LaneId::Connection { .. } => 100.0,
        LaneId::Broker(_) => 72.0,
    }
}

/// What a lane's name and signs need.
const fn least_width(lane: LaneId) -> f64 {
    match lane {
        LaneId::Task(_) => 30.0,
        LaneId::Client(_) => 74.0,
        LaneId::Connection { .. } => 84.0,
        LaneId::Broker(_) => 62.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes() -> Vec<Lane> {
        [LaneId::Task(1), LaneId::Client(0), LaneId::Connection { client: 0, broker: 0 }, LaneId::Broker(1)]
            .map(|id| Lane { id, label: String::new() })
            .to_vec()
    }

    fn geometry(available: f64, len: usize, position: usize) -> Geometry {
        let track = Rc::new(Track::single(Side::After, len));
        Geometry::new(&lanes(), available, Side::After, track, position)
    }

    #[test]
    fn lanes_keep_their_order_and_stay_inside() {
        for available in [0.0, 320.0, 500.0, 1_000.0, 4_000.0] {
            let geometry = geometry(available, 10, 5);
            let mut last = GUTTER;
            for lane in 0..4 {
                assert!(geometry.x(lane) > last, "lane {lane} of {available}");
                last = geometry.x(lane);
            }
            assert!(last < geometry.width());
            assert!(geometry.width() >= available.floor());
        }
    }

    #[test]
    fn many_lanes_fit_into_half_a_stage() {
        let tasks = (1..=5).map(LaneId::Task);
        let others = [LaneId::Client(0), LaneId::Connection { client: 0, broker: 1 }, LaneId::Broker(1)];
        let lanes: Vec<Lane> = tasks.chain(others).map(|id| Lane { id, label: String::new() }).collect();
        let track = Rc::new(Track::single(Side::After, 10));
        for available in [460.0, 480.0, 560.0, 700.0, 900.0] {
            let geometry = Geometry::new(&lanes, available, Side::After, track.clone(), 5);
            assert!(geometry.width() <= available, "{} of {available}", geometry.width());
            let middle = |lane: usize| geometry.x(lane);
            assert!((1..5).all(|lane| middle(lane) - middle(lane - 1) >= 29.0), "{available}");
        }
    }

    #[test]
    fn only_the_last_rows_are_drawn() {
        let geometry = geometry(600.0, 1_000, 500);
        assert_eq!((geometry.first, geometry.end), (380, 500));
        assert_eq!(geometry.rows().count(), WINDOW);
        assert_eq!(geometry.y(100), 0.0, "above the window");
        assert_eq!(geometry.y(380), ROW / 2.0);
        assert!(geometry.shows(499) && !geometry.shows(500) && !geometry.shows(379));
    }

    #[test]
    fn a_position_past_the_end_is_the_end() {
        assert_eq!(geometry(600.0, 3, 99).end, 3);
        assert_eq!(geometry(600.0, 0, 0).rows().count(), 0);
    }
}
