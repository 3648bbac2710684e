//! When to order how much of what is kept in stock.
//!
//! - [`law`]: how demand is distributed, and its sum over periods
//! - [`lattice`]: a distribution as weights on equally spaced quantities
//! - [`expected`]: holding and shortage cost of a period, by the position
//! - [`levels`]: the optimal (s, S) policy, base stock, the newsvendor
//! - [`packs`]: the best order where packs, a minimum and a maximum bind
//! - [`rolling`]: the best order where demand changes and a forecast tells how
//! - [`policy`]: from an item's terms and its demand to a rule for orders
//! - [`learn`]: the law of demand, from what was sold
//! - [`item`]: one item from period to period
//! - [`budget`]: which wishes a budget goes to first
//!
//! A *position* is what is on hand and on order, less what is owed to customers. In each review the position is looked at
//! and an order may be placed; it arrives `lead` periods later, before that period's demand. Costs are counted at the end
//! of each period: for each unit on hand and each one short. These are the conventions of Veinott and Wagner, *Computing
//! Optimal (s, S) Inventory Policies*, Management Science 11 (1965).

pub mod law;

pub mod lattice;

pub mod expected;

pub mod levels;

pub mod packs;

pub mod rolling;

pub mod policy;

pub mod learn;

pub mod item;

pub mod budget;
