//! Messages on their way between a connection and its broker.

use super::draw::{circle, cross, cut, head, label, line};
use super::geometry::Geometry;
use simulator::view::diagram::{Arrow, Fate};
use yew::prelude::*;

/// All messages that can be seen.
pub(super) fn arrows(arrows: &[Arrow], geometry: &Geometry) -> Html {
    arrows
        .iter()
        .filter(|arrow| geometry.row(arrow.arrived.unwrap_or(arrow.sent)) >= geometry.first)
        .map(|arrow| way(arrow, geometry))
        .collect()
}

fn way(arrow: &Arrow, geometry: &Geometry) -> Html {
    let connection = Some(arrow.connection);
    let start = (geometry.x_of(arrow.from, connection), geometry.y(arrow.sent));
    let target = geometry.x_of(arrow.to, connection);
    let sign = (target - start.0).signum();
    let start = (sign.mul_add(6.0, start.0), start.1);
    let edge = sign.mul_add(-6.0, target);
    // How far along its way a message stands that has not arrived whole.
    let along = |share: f64| (edge - start.0).mul_add(share, start.0);
    let now = (geometry.now() - 8.0).max(start.1 + 2.0);
    let arrived = arrow.arrived.map_or(now, |row| geometry.y(row));
    let old = arrow.old && arrow.fate != Fate::Delivered;
    let base = classes!("way", old.then_some("old"));
    let body = match arrow.fate {
        Fate::Delivered => {
            let end = (edge, arrived);
            html! {
                <>
                    { line(start, end, classes!(base, "delivered")) }
                    { head(start, end, classes!("way-head")) }
                </>
            }
        }
        Fate::InFlight => {
            let end = (along(0.7), now);
            html! {
                <>
                    { line(start, end, classes!(base, "in-flight")) }
                    { head(start, end, classes!("way-head", "in-flight")) }
                </>
            }
        }
        Fate::Partial | Fate::Cut => {
            let end = (along(0.8), arrived);
            let is_cut = arrow.fate == Fate::Cut;
            let tone = if is_cut { "tone-bad" } else { "tone-unknown" };
            let words = format!("{}/{} B", arrow.delivered, arrow.total);
            html! {
                <>
                    { line(start, end, classes!(base, "piece", tone)) }
                    { if is_cut { cross(end.0, end.1, classes!(tone)) } else { circle(end.0, end.1, 3.5, classes!("piece-end", tone)) } }
                    { label(sign.mul_add(-12.0, end.0), end.1 + 16.0, "middle", classes!(tone, "strong"), &words) }
                </>
            }
        }
        Fate::Dropped => {
            let end = (along(0.5), start.1 + 10.0);
            html! {
                <>
                    { line(start, end, classes!(base, "in-flight", "tone-bad")) }
                    { cross(end.0, end.1, classes!("tone-bad")) }
                </>
            }
        }
    };
    let anchor = if sign > 0.0 { "start" } else { "end" };
    let old_word = if old { "old: " } else { "" };
    let text = format!("{old_word}{}", arrow.label);
    let text = cut(&text, (edge - start.0).abs().max(118.0));
    let words = geometry
        .shows(geometry.row(arrow.sent))
        .then(|| label(sign.mul_add(6.0, start.0), start.1 - 5.0, anchor, classes!("way-label"), &text));
    html! { <g key={format!("{}-{}", arrow.connection, arrow.sent)}>{ body }{ words }</g> }
}
