//! The rules in one line: what holds, what is broken, what nothing has tested.

use crate::components::rail::rules_panel::sign;
use crate::model::track::Side;
use crate::run::{Rule, verdict_word};
use simulator::event::Verdict;
use yew::prelude::*;

/// The rules of the runs on the stage.
#[derive(Properties, PartialEq)]
pub struct RulesStripProps {
    /// From left to right.
    pub runs: Vec<(Side, Vec<Rule>)>,
    /// Called to see all rules.
    pub on_open: Callback<()>,
}

/// The rules strip. The lesson's own rules are named; the rest is counted.
#[component]
pub fn RulesStrip(props: &RulesStripProps) -> Html {
    let is_pair = props.runs.len() > 1;
    html! {
        <div class="rules-strip" data-testid="rules-strip" role="region" aria-label="Rules">
            { for props.runs.iter().map(|(side, rules)| html! {
                <div class="strip-run" key={format!("{side:?}")} data-side={side_word(*side)}>
                    if is_pair {
                        <span class="strip-side">{ side_word(*side) }</span>
                    }
                    { for rules.iter().filter(|rule| is_named(rule)).map(chip) }
                    <span class="strip-rest small quiet">{ rest(rules) }</span>
                </div>
            }) }
            <button type="button" class="link-button small" onclick={props.on_open.reform(|_: MouseEvent| ())}>{ "All rules" }</button>
        </div>
    }
}

/// The word for a side.
pub(crate) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Before => "before",
        Side::After => "after",
    }
}

const fn is_named(rule: &Rule) -> bool {
    rule.is_watched || matches!(rule.verdict, Verdict::Broken { .. })
}

fn chip(rule: &Rule) -> Html {
    let (sign, class) = sign(rule.verdict);
    let word = verdict_word(rule.verdict);
    let text = match rule.verdict {
        Verdict::Broken { at } => format!("broken at #{}", at + 1),
        Verdict::Holds | Verdict::NotExercised | Verdict::CannotJudge => word.to_owned(),
    };
    html! {
        <span class={classes!("rule-chip", class)} key={rule.id} data-rule={rule.id} data-verdict={word} title={rule.sentence}>
            <span aria-hidden="true">{ sign }</span><strong class="mono">{ rule.id }</strong><span>{ text }</span>
        </span>
    }
}

fn rest(rules: &[Rule]) -> String {
    let others = || rules.iter().filter(|rule| !is_named(rule));
    let holding = others().filter(|rule| rule.verdict == Verdict::Holds).count();
    let waiting = others().count() - holding;
    match (holding, waiting) {
        (0, waiting) => format!("{waiting} more not exercised"),
        (holding, 0) => format!("{holding} more hold"),
        (holding, waiting) => format!("{holding} more hold, {waiting} not exercised"),
    }
}
