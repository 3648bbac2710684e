//! A camera over a strip: one picture a piece, each class as often as the others.

use super::{Class, SIDE, picture};
use crate::noise;
use crate::plant::{Actuator, Event, Kind, PartFate, Picture, Plant, Reading, Signal, Stepper, Truth, Value};
use std::ops::Range;

/// From one picture to the next, in seconds.
pub const PERIOD_S: f64 = 2.0;

/// The noise stream of the pieces' classes, which no other plant uses.
const STREAM: u64 = 690;

const PIECE: usize = 0;
const PICTURE: usize = 1;

/// Its signals: the piece's number, from 1, and its picture.
pub fn signals() -> Vec<Signal> {
    vec![
        Signal { name: "surface.piece", unit: "1", kind: Kind::Value, range: (0.0, 1e12) },
        Signal { name: "surface.picture", unit: "1", kind: Kind::Picture, range: (0.0, 255.0) },
    ]
}

/// What the surface of a piece is like.
pub fn class(seed: u64, piece: u64) -> Class {
    let mut rng = noise::stream(seed, STREAM, piece);
    let place = noise::uniform(&mut rng, 0.0, Class::ALL.len() as f64) as usize;
    Class::ALL[place.min(Class::ALL.len() - 1)]
}

/// The strip.
#[derive(Debug, Clone)]
pub struct Strip {
    seed: u64,
    signals: Vec<Signal>,
    stepper: Stepper,
    told: Vec<Event>,
    fates: Vec<PartFate>,
    /// Pieces that were pictured.
    pieces: u64,
}

impl Strip {
    /// The seed's strip; the first picture is taken after [`PERIOD_S`].
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            signals: signals(),
            stepper: Stepper::of(PERIOD_S),
            told: Vec::new(),
            fates: Vec::new(),
            pieces: 0,
        }
    }

    /// The next piece comes under the camera, and the one before leaves.
    fn take(&mut self) {
        if self.pieces > 0 {
            let class = class(self.seed, self.pieces);
            let defect = if class == Class::Good { "" } else { class.name() };
            self.fates.push(PartFate { ids: vec![self.pieces], defect, ejected: false, torn: false });
        }
        self.pieces += 1;
        let side = SIDE as u32;
        let pixels = picture(class(self.seed, self.pieces), self.seed, self.pieces).into();
        self.told.push(Event {
            time_s: self.pieces as f64 * PERIOD_S,
            readings: vec![Reading { signal: PIECE, value: Value::Number(self.pieces as f64) }],
            pictures: vec![Picture { signal: PICTURE, width: side, height: side, channels: 1, pixels }],
        });
    }
}

impl Plant for Strip {
    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &[]
    }

    fn advance(&mut self, dt_s: f64) {
        (0..self.stepper.due(dt_s)).for_each(|_| self.take());
    }

    fn read(&mut self, _out: &mut Vec<Reading>) {}

    fn event_signals(&self) -> Range<usize> {
        PIECE..PICTURE + 1
    }

    fn events(&mut self, out: &mut Vec<Event>) {
        out.append(&mut self.told);
    }

    fn fates(&self) -> &[PartFate] {
        &self.fates
    }

    fn write(&mut self, _actuator: usize, _value: f64) {}

    fn truth(&self) -> Truth {
        Truth { time_s: self.stepper.asked_s(), ..Truth::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(strip: &mut Strip, slices: usize, slice_s: f64) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..slices {
            strip.advance(slice_s);
            strip.events(&mut events);
        }
        events
    }

    #[test]
    fn how_time_is_sliced_changes_nothing() {
        let (mut fine, mut coarse) = (Strip::new(3), Strip::new(3));
        let (many, few) = (run(&mut fine, 600, 0.1), run(&mut coarse, 20, 3.0));
        assert_eq!(many, few);
        assert_eq!(many.len(), 30);
        assert_eq!(fine.fates(), coarse.fates());
        assert_eq!(fine.fates().len(), 29, "the last one is still under the camera");
        assert_ne!(run(&mut Strip::new(4), 20, 3.0), few);
    }

    #[test]
    fn a_picture_shows_what_its_piece_is_told_to_have() {
        let mut strip = Strip::new(5);
        let events = run(&mut strip, 40, 2.0);
        for (event, fate) in events.iter().zip(strip.fates()) {
            let number = fate.ids[0];
            assert_eq!(event.readings[0].value, Value::Number(number as f64));
            let shown =
                Class::ALL.into_iter().find(|class| picture(*class, 5, number)[..] == event.pictures[0].pixels[..]);
            let shown = shown.map(|class| if class == Class::Good { "" } else { class.name() });
            assert_eq!(shown, Some(fate.defect), "piece {number}");
        }
    }

    #[test]
    fn each_class_comes_as_often_as_the_others() {
        for wanted in Class::ALL {
            let count = (1..=7_000).filter(|piece| class(2, *piece) == wanted).count();
            assert!((880..1_120).contains(&count), "{wanted:?}: {count}");
        }
    }
}
