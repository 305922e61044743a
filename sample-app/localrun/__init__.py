"""Running the application's services as plain processes on one machine."""
