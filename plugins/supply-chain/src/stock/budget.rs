//! Which wishes a budget goes to first.

/// What one item would order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// Wanted, in the item's unit.
    pub quantity: f64,
    /// Its smallest order.
    pub minimum: f64,
    /// What orders are multiples of; 0: anything.
    pub pack: f64,
    /// Of a unit, in money.
    pub price: f64,
    /// What the whole order is expected to save, in money.
    pub worth: f64,
}

/// The quantities that a budget pays for: whole wishes first, those that save most for their money (the greedy rule for
/// knapsacks, Dantzig 1957), then as many packs of the next as are left money for.
#[must_use]
pub fn share(wishes: &[Wish], money: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    let rate = |wish: &Wish| wish.worth / (wish.quantity * wish.price).max(f64::MIN_POSITIVE);
    order.sort_by(|a, b| rate(&wishes[*b]).total_cmp(&rate(&wishes[*a])).then(a.cmp(b)));
    let mut left = money;
    let mut given = vec![0.0; wishes.len()];
    for index in order {
        let wish = wishes[index];
        let affordable = if wish.price > 0.0 { left / wish.price } else { f64::INFINITY };
        let mut quantity = wish.quantity.min(affordable);
        if quantity < wish.quantity && wish.pack > 0.0 {
            quantity = (quantity / wish.pack + 1e-9).floor() * wish.pack;
        }
        if quantity <= 0.0 || quantity < wish.minimum - 1e-9 {
            continue;
        }
        given[index] = quantity;
        left -= quantity * wish.price;
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_shortage_comes_first() {
        let wish = |quantity, worth| Wish { quantity, minimum: 0.0, pack: 10.0, price: 2.0, worth };
        let wishes = [wish(50.0, 10.0), wish(40.0, 80.0), wish(0.0, 0.0)];
        assert_eq!(share(&wishes, 1_000.0), [50.0, 40.0, 0.0]);
        assert_eq!(share(&wishes, 100.0), [10.0, 40.0, 0.0]);
        assert_eq!(share(&wishes, 79.0), [0.0, 30.0, 0.0]);
        assert_eq!(share(&[Wish { minimum: 20.0, ..wish(50.0, 10.0) }], 30.0), [0.0]);
    }
}
