//! Runs a pure function over a slice on all cores. It has no effects of its own.

use std::num::NonZero;

/// Returns the results in the order of the items. Fewer items than `worth_a_thread` are worked on by this thread alone.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    worth_a_thread: usize,
    function: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    if items.len() < worth_a_thread || threads == 1 {
        return items.iter().map(function).collect();
    }
    let chunk = items.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let workers: Vec<_> = items
            .chunks(chunk)
            .map(|chunk| scope.spawn(|| chunk.iter().map(&function).collect::<Vec<R>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker does not panic on its own"))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn order_is_kept() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(
            super::map(&items, 32, |n| n * 2),
            items.iter().map(|n| n * 2).collect::<Vec<_>>()
        );
    }
}
