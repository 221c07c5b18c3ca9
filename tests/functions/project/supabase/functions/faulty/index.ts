throw new Error("a mistake at the start");
