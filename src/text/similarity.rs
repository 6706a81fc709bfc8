//! "Did you mean": the known names that are similar to an unknown one, such as a configuration key or an account group.

/// The known names that are most similar to the unknown one, the most similar first; none if nothing is similar.
pub(crate) fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    const ALIKE: f64 = 0.75;
    // Longer texts are no typing errors of a name, and to compare them takes its time.
    const LONGEST: usize = 128;
    if unknown.len() > 4 * LONGEST || unknown.chars().count() > LONGEST {
        return Vec::new();
    }
    let mut alike: Vec<(f64, &str)> = known
        .filter(|name| name.len() <= 4 * LONGEST)
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(score, _)| *score > ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    alike.truncate(most);
    alike.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests;
