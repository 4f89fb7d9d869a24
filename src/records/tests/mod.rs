mod files;
mod rows;
