//! Runs a pure function over a slice on all cores. It has no effects of its own.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many blocks of items a thread works on, one after the other.
const BLOCKS_PER_THREAD: usize = 16;

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
    // Several blocks for each thread: one that is done, or that others keep from its processor, leaves the rest to those that are not.
    let block = items.len().div_ceil(threads * BLOCKS_PER_THREAD);
    let blocks: Vec<&[T]> = items.chunks(block).collect();
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| work_off(&blocks, &next, &function)))
            .collect();
        let finished = workers.into_iter();
        finished
            .flat_map(|worker| worker.join().expect("a worker does not panic on its own"))
            .collect()
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

/// Works on blocks, whichever is next, until none is left; returns the number of each with its results.
fn work_off<T, R>(
    blocks: &[&[T]],
    next: &AtomicUsize,
    function: &impl Fn(&T) -> R,
) -> Vec<(usize, Vec<R>)> {
    let mut done = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(block) = blocks.get(number) else {
            return done;
        };
        done.push((number, block.iter().map(function).collect()));
    }
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
        for count in [32, 33, 47] {
            let few = super::map(&items[..count], 32, |n| n + 1);
            assert_eq!(few, (1..=count).collect::<Vec<_>>());
        }
    }
}
