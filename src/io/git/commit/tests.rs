//! Commits made of plans.
