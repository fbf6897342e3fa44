"""What deploys the product, in order: `deploy.sh` runs the other scripts."""
