//! What no defect breaks.

/// Requirements that a suite can check and that no defect of the server breaks, each with the reason.
pub const UNBROKEN: &[(&str, &str)] = &[(
    "10-12",
    "It says what 5.8-18 says: the defect for that breaks it.",
)];
