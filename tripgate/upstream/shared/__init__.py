"""What gateways side by side share: counts, documents and news. In process for one, in Redis or Valkey for several."""
