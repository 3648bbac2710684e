//! How far two answers to one frame are apart.

use crate::outcome::{Forecast, Proposal, Results};

/// From 0, the same, to 1: the largest difference of two numbers at the same place, as a part of the larger one's size
/// (of 1 where both are smaller); 1 where anything but a number is another, or where one says more than the other. Words for
/// the operator are no part of an answer.
#[must_use]
pub fn difference(one: &Results, other: &Results) -> f64 {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    flatten(one, &mut left);
    flatten(other, &mut right);
    if left.len() != right.len() {
        return 1.0;
    }
    left.iter().zip(&right).map(|(a, b)| a.apart(b)).fold(0.0, f64::max)
}

/// One piece of an answer.
enum Piece<'a> {
    Number(f64),
    Whole(u64),
    Word(&'a str),
}

impl Piece<'_> {
    fn apart(&self, other: &Piece<'_>) -> f64 {
        let same = match (self, other) {
            (Piece::Number(a), Piece::Number(b)) => return apart(*a, *b),
            (Piece::Whole(a), Piece::Whole(b)) => a == b,
            (Piece::Word(a), Piece::Word(b)) => a == b,
            _ => false,
        };
        if same { 0.0 } else { 1.0 }
    }
}

fn apart(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        return 0.0;
    }
    let part = (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    if part.is_finite() { part.min(1.0) } else { 1.0 }
}

fn flatten<'a>(results: &'a Results, pieces: &mut Vec<Piece<'a>>) {
    match results {
        Results::Anomalies(items) => {
            for item in items {
                let numbers = [u64::from(item.row), item.quality as u64, u64::from(item.alarm), item.severity as u64];
                pieces.extend(numbers.map(Piece::Whole));
                pieces.push(Piece::Number(item.score));
                for part in &item.contributions {
                    pieces.extend([Piece::Whole(u64::from(part.column)), Piece::Number(part.share)]);
                }
            }
        }
        Results::Health(items) => {
            for item in items {
                pieces.extend([Piece::Whole(u64::from(item.row)), Piece::Whole(item.quality as u64)]);
                pieces.extend([Piece::Number(item.index), Piece::Word(&item.mode)]);
                pieces.push(Piece::Whole(u64::from(item.life.is_some())));
                if let Some(life) = &item.life {
                    let ends = [life.rul, life.rul_lo, life.rul_hi.unwrap_or(f64::INFINITY)];
                    pieces.extend(ends.map(Piece::Number));
                }
            }
        }
        Results::Inspection { verdicts, signals } => {
            for verdict in verdicts {
                pieces.extend([verdict.item, verdict.quality as u64, verdict.decision as u64].map(Piece::Whole));
                pieces.extend([Piece::Word(&verdict.defect), Piece::Number(verdict.confidence)]);
            }
            for signal in signals {
                pieces.extend([u64::from(signal.row), u64::from(signal.column)].map(Piece::Whole));
                pieces.extend([signal.statistic, signal.lower, signal.upper].map(Piece::Number));
                pieces.push(Piece::Word(&signal.rule));
            }
        }
        Results::Proposals(proposals) => flatten_proposals(proposals, pieces),
        Results::Plan(plan) => {
            pieces.push(Piece::Whole(plan.quality as u64));
            flatten_proposals(&plan.proposals, pieces);
            for step in &plan.schedule {
                pieces.extend([Piece::Whole(u64::from(step.output)), Piece::Whole(step.time_ns.cast_unsigned())]);
                pieces.push(Piece::Number(step.setpoint));
            }
            pieces.push(Piece::Number(plan.expected_cost));
        }
        Results::Supply { forecasts, orders } => {
            forecasts.iter().for_each(|forecast| flatten_forecast(forecast, pieces));
            flatten_proposals(orders, pieces);
        }
    }
}

fn flatten_proposals<'a>(proposals: &'a [Proposal], pieces: &mut Vec<Piece<'a>>) {
    for proposal in proposals {
        pieces.extend([Piece::Whole(u64::from(proposal.output)), Piece::Number(proposal.setpoint)]);
        pieces.push(Piece::Whole(proposal.valid_for_ns));
    }
}

fn flatten_forecast<'a>(forecast: &'a Forecast, pieces: &mut Vec<Piece<'a>>) {
    let place = [forecast.row, forecast.column, forecast.step].map(u64::from);
    pieces.extend(place.map(Piece::Whole));
    pieces.push(Piece::Whole(forecast.quality as u64));
    pieces.extend(forecast.quantiles.iter().copied().map(Piece::Number));
}
