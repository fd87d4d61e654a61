return 0; // filled in by the next slice
