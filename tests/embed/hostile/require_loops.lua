-- runs for ever
package.preload.endless = function() while true do end end require 'endless'
