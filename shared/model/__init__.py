"""What every stage speaks of: errors, kinds, events, cases, declarations, settings, the tenant's profile."""
