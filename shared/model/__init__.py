"""What every stage uses: errors, kinds, events, cases, declarations, settings, the tenant's profile."""
