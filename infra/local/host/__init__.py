"""The local functions host: Microsoft's own Python worker, and around it what Microsoft's .NET host does in Azure."""
