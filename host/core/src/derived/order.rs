//! Who feeds whom: an order in which every plugin comes after those whose results it takes.

/// How far the search is with a plugin.
#[derive(Clone, Copy, PartialEq)]
enum Visit {
    New,
    Open,
    Done,
}

/// All of `plugins`, each after those that feed it, else as they are counted. `feeds` holds pairs of producer and
/// consumer.
///
/// # Errors
/// The plugins of a circle, each feeding the next one, and the last the first.
pub fn producers_first(plugins: usize, feeds: &[(usize, usize)]) -> Result<Vec<usize>, Vec<usize>> {
    let mut search = Search { feeds, visits: vec![Visit::New; plugins], path: Vec::new(), order: Vec::new() };
    for plugin in 0..plugins {
        search.visit(plugin)?;
    }
    Ok(search.order)
}

struct Search<'f> {
    feeds: &'f [(usize, usize)],
    visits: Vec<Visit>,
    /// From a consumer to its producers.
    path: Vec<usize>,
    order: Vec<usize>,
}

impl Search<'_> {
    /// As deep as there are plugins at most.
    fn visit(&mut self, plugin: usize) -> Result<(), Vec<usize>> {
        match self.visits[plugin] {
            Visit::Done => return Ok(()),
            Visit::Open => {
                let from = self.path.iter().position(|open| *open == plugin).unwrap_or(0);
                return Err(self.path[from..].iter().rev().copied().collect());
            }
            Visit::New => {}
        }
        self.visits[plugin] = Visit::Open;
        self.path.push(plugin);
        for (producer, _) in self.feeds.iter().filter(|(_, consumer)| *consumer == plugin) {
            self.visit(*producer)?;
        }
        self.path.pop();
        self.visits[plugin] = Visit::Done;
        self.order.push(plugin);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many producers, who feeds whom, and their order or a circle.
    type Case = (usize, &'static [(usize, usize)], Result<Vec<usize>, Vec<usize>>);

    #[test]
    fn producers_come_first_and_circles_are_found() {
        let cases: [Case; 7] = [
            (3, &[], Ok(vec![0, 1, 2])),
            (3, &[(0, 1), (1, 2)], Ok(vec![0, 1, 2])),
            (3, &[(2, 0), (1, 0)], Ok(vec![2, 1, 0])),
            (4, &[(3, 1), (3, 2), (1, 0), (2, 0)], Ok(vec![3, 1, 2, 0])),
            (1, &[(0, 0)], Err(vec![0])),
            (2, &[(0, 1), (1, 0)], Err(vec![1, 0])),
            // 3 takes from 1, which stands in a circle with 2; neither 0 nor 3 does.
            (4, &[(0, 1), (1, 2), (2, 1), (1, 3)], Err(vec![2, 1])),
        ];
        for (plugins, feeds, expected) in cases {
            assert_eq!(producers_first(plugins, feeds), expected, "{feeds:?}");
        }
    }

    #[test]
    fn a_circle_is_told_in_the_direction_of_its_results() {
        let circle = producers_first(3, &[(0, 1), (1, 2), (2, 0)]);
        // Each feeds the next one, and the last the first.
        assert_eq!(circle, Err(vec![1, 2, 0]));
    }
}
