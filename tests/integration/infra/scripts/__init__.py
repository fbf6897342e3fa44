"""The deployment scripts, judged by the Azure CLI's parser and Microsoft's Bicep compiler."""
