// Tells the other tabs of this browser that something has ended, so that they look at once.
new BroadcastChannel("sessions").postMessage("over");
