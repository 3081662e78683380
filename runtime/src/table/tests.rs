//! Tests of tables against simple models.
