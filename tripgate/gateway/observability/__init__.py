"""What the gateway tells its operators: logs, metrics, traces, slow operations, health."""
